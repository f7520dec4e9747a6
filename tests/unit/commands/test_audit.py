"""What the audit says of images that were erased for good."""

from pathlib import Path

import numpy as np

from sisa.commands.audit import erasure_problems, print_erased
from sisa.data.images import Shard


def shard(*ids):
    text = np.array(ids, dtype=np.str_)
    return Shard(text, text, np.zeros((len(ids), 1, 2, 2), dtype=np.uint8), text, np.zeros(len(ids), dtype=np.int64))


def test_a_shard_that_holds_an_erased_image_is_named():
    assert list(erasure_problems("cat", shard("a", "b"), shard("b"), {"c"})) == []
    assert list(erasure_problems("cat", shard("a", "b"), shard("b"), {"a", "b"})) == [
        "data/shards/cat.parquet: holds 2 images erased for good; run dvc repro",
        "data/retained/cat.parquet: holds 1 image erased for good; run dvc repro",
    ]


def test_receipts_are_named_and_images_without_one_are_counted(capsys):
    print_erased({"a", "b", "c"}, {"a": Path("receipts/1.json"), "b": Path("receipts/1.json")})
    proved, notice = capsys.readouterr().out.splitlines()
    assert proved.startswith(
        "Proved for 3 images erased for good: no shard in place holds one, and no served member was"
    )
    assert proved.endswith("Receipts: 1: receipts/1.json")
    assert notice == "notice: no receipt here names 1 of them; git log -- receipts"


def test_where_nothing_was_erased_nothing_is_said_of_it(capsys):
    print_erased(set(), {})
    assert capsys.readouterr().out == ""
