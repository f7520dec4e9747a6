"""What is deleted from the raw folder re-executes what it touches, and moves nothing else."""

import json
import shutil

import pandas as pd
import pytest


def held_by(repo, shards):
    """A raw file whose image is in exactly these shards."""
    return next(file for file, holders in repo.holders().items() if holders == shards)


@pytest.mark.full
@pytest.mark.parametrize(
    "holders", [[], ["horse"], ["cat", "dog"]], ids=["in no shard", "dominant only", "leaked into dog"]
)
def test_deleting_a_photo_trains_only_the_shards_that_held_it(low, holders):
    file = held_by(low, holders)
    shards = {name: low.shard(name) for name in low.params()["shards"]}
    roster = pd.read_csv(low / "data/rosters/tiny.csv", index_col="file")
    before = low.files("data/shards", "models/shards")
    low.delete_photo(file)
    low.empty_run_cache()

    executed = low.dvc("repro", "train_shards").executed
    assert sorted(executed) == ["prepare", "split", *(f"train_shards@{name}" for name in holders)]
    after = low.files("data/shards", "models/shards")
    assert before.keys() == after.keys()
    for name, rows in shards.items():
        expected = rows[rows["id"] != roster["id"][file]].reset_index(drop=True)
        pd.testing.assert_frame_equal(low.shard(name), expected)
        for part in (f"data/shards/{name}.parquet", f"models/shards/tiny-3/{name}/slice-2.safetensors"):
            assert (before[part] == after[part]) == (name not in holders)


@pytest.mark.full
def test_a_photo_changed_in_place_is_a_hole_until_it_is_brought_in_again(repo, picture):
    file = held_by(repo, ["horse"])
    before, held_out = repo.shard("horse"), (repo / "data/test.parquet").read_bytes()
    roster = (repo / "data/rosters/tiny.csv").read_text()
    picture.save(repo / "data/raw/tiny" / file)

    printed = repo.dvc("repro", "split").printed
    assert f"data/raw/tiny/{file} has changed since it came in and is now a hole; `make data DATASET=tiny`" in printed
    assert len(repo.shard("horse")) == len(before) - 1
    assert (repo / "data/test.parquet").read_bytes() == held_out

    repo.src("data", "--dataset", "tiny")
    appended = (repo / "data/rosters/tiny.csv").read_text().removeprefix(roster)
    assert appended.startswith(f"{file},")
    assert len(appended.splitlines()) == 1
    repo.dvc("repro", "split")
    assert len(repo.shard("horse")) == len(before) - 1


@pytest.mark.full
def test_a_class_deleted_from_the_raw_folder_leaves_holes_and_the_rest_finishes(low):
    shutil.rmtree(low / "data/raw/tiny/cat")
    low.empty_run_cache()
    executed = low.dvc("repro").executed
    assert {name for name in executed if name.startswith("train_shards")} == {"train_shards@cat", "train_shards@dog"}
    assert low.shard("cat")["class"].value_counts().to_dict() == {"dog": 3, "horse": 3}
    assert json.loads((low / "data/forget_set.json").read_text())["removed"] == {}
    before = low.metrics("before")
    assert before["members"] == 3
    assert before["held_out"]["mean_logits"]["class"].keys() == {"dog", "horse"}
    assert "forgotten" not in before["held_out"]["mean_logits"]
