"""What the audit says of images that were erased for good."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sisa.commands.audit import asked_for, conclude, erasure_problems, lost_marks, print_erased
from sisa.data.images import Shard
from sisa.sources import roster
from sisa.unlearning.forget_set import ForgetSet


def shard(*ids):
    text = np.array(ids, dtype=np.str_)
    return Shard(text, text, np.zeros((len(ids), 1, 2, 2), dtype=np.uint8), text, np.zeros(len(ids), dtype=np.int64))


def test_a_shard_that_holds_an_erased_image_is_named():
    assert list(erasure_problems("cat", shard("a", "b"), shard("b"), {"c"})) == []
    assert list(erasure_problems("cat", shard("a", "b"), shard("b"), {"a", "b"})) == [
        "data/shards/cat.parquet: holds 2 images erased for good; run dvc repro",
        "data/retained/cat.parquet: holds 1 image erased for good; run dvc repro",
    ]


@pytest.mark.parametrize(
    ("classes", "images", "removed", "expected"),
    [
        (
            (),
            "abc",
            "ab",
            "3 images by request; taken out of the shards for this: 2 images; in no shard: 1 of those requested",
        ),
        ((), "a", "a", "1 image by request; taken out of the shards for this: 1 image"),
        (("cat", "dog"), "", "a", "classes cat and dog at scope all; taken out of the shards for this: 1 image"),
        (("cat",), "", "ab", "class cat at scope all; taken out of the shards for this: 2 images"),
        (
            ("cat",),
            "c",
            "ab",
            "class cat at scope all and 1 image by request; taken out of the shards for this: 2 images; "
            "in no shard: 1 of those requested",
        ),
    ],
)
def test_what_was_asked_for_is_told_from_what_the_shards_lost_for_it(classes, images, removed, expected):
    assert asked_for(ForgetSet(classes, "all", [*images], {"cat": [*removed]}, {})) == expected


def test_receipts_are_named_and_images_without_one_are_counted(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    receipts = {"a": Path("receipts/1.json"), "b": Path("receipts/1.json")}
    listed = pd.DataFrame([(f"{each}.png", each, "cat", "2026-01-31") for each in "abc"], columns=roster.COLUMNS)
    assert list(lost_marks("pets", listed, receipts)) == []
    print_erased({"a", "b", "c"}, receipts)
    unchecked, notice, proved = capsys.readouterr().out.splitlines()
    assert unchecked.startswith(
        "notice: whether data/rosters/pets.csv lost the mark of an erased image was not checked"
    )
    assert proved.startswith(
        "Proved for 3 images erased for good: no shard in place holds one, and no served member was"
    )
    assert proved.endswith("Receipts: 1: receipts/1.json")
    assert notice.startswith("notice: no receipt here names 1 of the erased images; see git log --branches -- receipts")


def test_where_nothing_was_erased_nothing_is_said_of_it(capsys):
    print_erased(set(), {})
    assert capsys.readouterr().out == ""


def test_a_request_that_covers_near_copies_says_so():
    request = ForgetSet(("cat",), "all", [], {"cat": ["a"]}, {}, near=True)
    assert asked_for(request).startswith("class cat at scope all and their near copies; ")


@pytest.mark.parametrize(
    ("classes", "copies", "near", "expected"),
    [
        (("cat",), 0, 0, "Proved: no served member was trained on a forgotten image, and no retained shard holds one."),
        (
            ("cat",),
            0,
            2,
            "Proved for class cat: what scope all covers is gone. NOT exact: 2 near copies left, as leakage.kind made "
            "them; scope all and forget.near=true would remove them.",
        ),
        ((), 0, 1, "NOT exact: 1 near copy left, as leakage.kind made them; forget.near=true would remove them."),
    ],
)
def test_near_copies_that_are_left_are_no_proof(classes, copies, near, expected, capsys):
    conclude([], ForgetSet(classes, "all", [], {}, {}), copies, near)
    assert capsys.readouterr().out == f"{expected}\n"
