"""`python src stream` carries requests out one after another, and ends where `dvc repro` ends with all at once."""

import pandas as pd
import pytest

from sisa.cost.stream import steps
from sisa.data import tables
from sisa.training import checkpoints, loop
from sisa.training.slicing import slice_epochs

SHARDS = ["cat", "dog", "horse"]
ENDS_IN = ("models/retrained", "data/retained")


def file_of(repo, image):
    return pd.read_csv(repo / "data/rosters/tiny.csv", index_col="id")["file"][image]


def some_images(repo):
    """One that all shards hold, two of dog, in its last slice and in its first, and one of horse; these leaked nowhere."""
    shards = {name: repo.shard(name) for name in SHARDS}
    copies = pd.concat(shards.values())["id"].value_counts()
    own = {name: shard[shard["id"].map(copies) == 1] for name, shard in shards.items()}
    places = [("dog", 3), ("dog", 0), ("horse", 1)]
    return [copies.index[0]] + [own[name].loc[own[name]["slice"] == number, "id"].iloc[0] for name, number in places]


@pytest.fixture
def processed(monkeypatch):
    """The samples of each epoch that is trained from here on."""
    found, train_slice = [], loop.train_slice

    def counting(*rest):
        for row in train_slice(*rest):
            found.append(row["samples"])
            yield row

    monkeypatch.setattr(loop, "train_slice", counting)
    return found


def planned(repo, batches):
    shards = tables.read_shards(repo / "data/shards", SHARDS)
    left = {name: shard.slices >= 0 for name, shard in shards.items()}
    return list(steps(shards, left, batches, 4, slice_epochs(2, 4)))


@pytest.mark.full
def test_a_stream_ends_in_the_bytes_of_all_at_once_and_pays_for_each_request_once(
    sliced, four_slices, tmp_path, processed
):
    everywhere, late, early, horse = images = some_images(sliced)
    sliced.src("forget", *images[:3], "--reason", "owner asked")
    printed = sliced.src("stream").printed
    table = pd.read_csv(sliced / "stream.csv")
    plan = planned(sliced, [[each] for each in images])
    assert table["lines"].tolist() == [2, 3, 4]
    assert table["samples"].tolist() == [step.samples for step in plan[:3]]
    assert table["afresh"].tolist() == [step.afresh for step in plan[:3]]
    assert sum(processed) == table["samples"].sum() < table["afresh"].sum()
    assert f"data/requests.csv, line 3: dog from slice 4: {table['samples'][1]:,} samples" in printed

    processed.clear()
    sliced.src("forget", horse, "--reason", "owner asked")
    assert "already forgotten: 3: line 2, " in sliced.src("stream").printed
    (row,) = pd.read_csv(sliced / "stream.csv").to_dict("records")
    assert row["samples"] == sum(processed) == plan[3].samples
    assert "nothing to do" in sliced.src("stream").printed

    at_once = four_slices.copied_to(tmp_path / "at once")
    at_once.src("forget", *images, "--reason", "owner asked")
    at_once.dvc("repro", "retrain")
    assert sliced.files(*ENDS_IN) == at_once.files(*ENDS_IN)
    assert sliced.locked() == at_once.locked()
    assert not [stage for stage in sliced.dvc("repro").executed if stage.startswith(("train", "retrain"))]
    assert sliced.metrics("cost")["retraining"]["samples"] == planned(sliced, [images])[0].afresh
    assert "Proved: no served member" in sliced.src("audit").printed
