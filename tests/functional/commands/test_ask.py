"""A photo is shown to the models of the workspace."""

from collections import Counter

import pandas as pd
import pytest

RAW = "data/raw/tiny"
HINT = "name photos, or images as the roster does"


def files(repo, ids):
    """The raw files of these images."""
    roster = pd.read_csv(repo / "data/rosters/tiny.csv", index_col="id")
    return [f"{RAW}/{file}" for file in roster["file"][list(ids)]]


def rows(printed, name):
    """The rows of the tables that begin with this name, by cell."""
    return [line.split() for line in printed.splitlines() if line.split()[:1] == [name]]


def test_ensembles_answer_for_the_held_out_photos_as_in_the_evaluation(five_classes_high):
    held_out = pd.read_parquet(five_classes_high / "data/test.parquet", columns=["id"])["id"]
    printed = five_classes_high.src("ask", *files(five_classes_high, held_out)).printed
    assert printed.count(", held out: no model was trained on it") == len(held_out) == 25
    for state in ("before", "after", "retrained"):
        expected = pd.read_csv(five_classes_high / f"plots/confusion/{state}.csv")["predicted"]
        assert Counter(row[2] for row in rows(printed, state)) == Counter(expected)


def test_a_photo_of_a_shard_is_trained_on_by_the_members_that_hold_it(five_classes_high, picture, tmp_path):
    held_by = five_classes_high.holders()
    leaked = next(file for file, holders in held_by.items() if file.startswith("cat") and len(holders) == 5)
    own = next(file for file, holders in held_by.items() if holders == ["dog"])
    picture.save(tmp_path / "new.webp", lossless=True)
    photos = [f"{RAW}/{leaked}", own, str(tmp_path / "new.webp")]
    printed = five_classes_high.src("ask", *photos).printed
    by_all = "trained on by: cat, cow, dog, elephant, horse; retrained without it: cat"
    assert f"{photos[0]}: on the roster as cat ({leaked}), {by_all}\n" in printed
    assert f"{photos[1]}: on the roster as dog ({own}), trained on by: dog\n" in printed
    alone = "the models were trained on images of tiny alone, and know no answers but cat, cow, dog, elephant, horse"
    assert f"{photos[2]}: not on the roster, pixel for pixel; {alone}\n" in printed
    assert "notice" not in printed
    assert [row[1:3] for row in rows(printed, "cat")] == 3 * [["before", "12"], ["retrained", "0"]]
    assert [row[1:5] for row in rows(printed, "dog")] == 3 * [["before,", "after,", "retrained", "3"]]
    assert len(rows(printed, "baseline_full")) == len(rows(printed, "baseline_retrained")) == 3


def test_a_member_that_was_not_retrained_yet_is_not_said_to_be_without_the_image(low):
    holders = low.holders()
    own = next(file for file, held in holders.items() if held == ["horse"])
    low.src("forget", own, "--reason", "owner asked")
    low.dvc("repro", "-s", "unlearn")
    printed = low.src("ask", own).printed
    stale = "models/retrained/tiny-3/horse"
    expected = f", trained on by: horse; not known of {stale}, models/baseline_retrained\n"
    assert f"{own}: on the roster as horse ({own}){expected}" in printed
    assert "notice: shards and models in place are a mixture and not of one run (" in printed
    checkpoint = f"{stale}/slice-1.safetensors: trained on other images than those of data/retained/horse.parquet"
    assert f"notice: {checkpoint}; run dvc repro\n" in printed or "slice-2.safetensors" in printed


@pytest.mark.full
def test_where_no_class_is_forgotten_each_member_is_asked_once(four_slices):
    printed = four_slices.src("ask", f"{RAW}/cat/00.png").printed
    assert "forgotten" not in printed
    assert [len(rows(printed, name)) for name in ("cat", "dog", "horse")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("photo", "complaint"),
    [
        ("nowhere.png", f"nowhere.png: cannot be read (No such file or directory); {HINT}"),
        (f"{RAW}/cat", f"{RAW}/cat: a folder, where a file is wanted; name a file"),
        ("dvc.yaml", "dvc.yaml: not a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP image"),
    ],
)
def test_what_is_no_photo_is_named(five_classes_high, photo, complaint):
    outcome = five_classes_high.src("ask", f"{RAW}/dog/00.png", photo, code=1)
    assert outcome.printed == f"error in ask: {complaint}\n"


def test_before_the_first_run_it_says_how_to_come_by_models(untouched):
    outcome = untouched.src("ask", f"{RAW}/dog/00.png", code=1)
    assert "or `dvc repro`" in outcome.complaint
    assert len(outcome.printed.splitlines()) == 1
