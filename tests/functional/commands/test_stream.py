"""`python src stream` carries requests out one after another, and ends where `dvc repro` ends with all at once."""

import json
from unittest.mock import DEFAULT, Mock

import pandas as pd
import pytest

from sisa.commands import stream
from sisa.cost.stream import steps
from sisa.data import tables
from sisa.training import loop
from sisa.training.slicing import slice_epochs
from sisa.unlearning import requests
from sisa.unlearning.requests import Request

SHARDS = ["cat", "dog", "horse"]
ENDS_IN = ("models/retrained", "data/retained")


def file_of(repo, image):
    return pd.read_csv(repo / "data/rosters/tiny.csv", index_col="id")["file"][image]


def some_images(repo):
    """One that all shards hold, and three that leaked nowhere: of dog's last slice and first, and of horse."""
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


def ask(repo, *images):
    requests.append(repo / "data/requests.csv", [Request("tiny", image, "2026-01-31", "why") for image in images])


def stop(*_, **__):
    raise KeyboardInterrupt


def planned(repo, batches):
    shards = tables.read_shards(repo / "data/shards", SHARDS)
    left = {name: shard.slices >= 0 for name, shard in shards.items()}
    return list(steps(shards, left, batches, 4, slice_epochs(2, 4)))


@pytest.mark.full
def test_a_stream_ends_in_the_bytes_of_all_at_once_and_pays_for_each_request_once(
    sliced, four_slices, tmp_path, processed
):
    images = some_images(sliced)
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
    sliced.src("forget", images[3], "--reason", "owner asked")
    assert "already forgotten: 3: line 2, " in sliced.src("stream").printed
    (row,) = pd.read_csv(sliced / "stream.csv").to_dict("records")
    assert row["samples"] == sum(processed) == plan[3].samples
    assert "nothing to do" in sliced.src("stream").printed

    at_once = four_slices.copied_to(tmp_path / "at once")
    at_once.src("forget", *images, "--reason", "owner asked")
    at_once.empty_run_cache()
    assert {f"retrain@{name}" for name in SHARDS} < set(at_once.dvc("repro", "retrain").executed)
    assert sliced.files(*ENDS_IN) == at_once.files(*ENDS_IN)
    assert sliced.locked() == at_once.locked()
    assert sliced.dvc("repro", "retrain").executed == []
    counters = [json.loads(path.read_text())["samples"] for path in sliced.path.glob("models/retrained/tiny-3/*.json")]
    assert sum(counters) == planned(sliced, [images])[0].afresh
    assert "Proved: no served member" in sliced.src("audit").printed


@pytest.mark.full
def test_a_stream_that_is_stopped_changes_nothing_or_leaves_the_rest_to_dvc(sliced, monkeypatch):
    ask(sliced, *some_images(sliced)[1:3])
    before = sliced.files("models", "data", "dvc.lock")
    with monkeypatch.context() as patch:
        patch.setattr(stream, "retrain", Mock(wraps=stream.retrain, side_effect=[DEFAULT, KeyboardInterrupt]))
        assert sliced.src("stream", code=130).printed.endswith("stopped: stream\n")
    assert sliced.files("models", "data", "dvc.lock") == before
    assert not (sliced / "stream.csv").exists()

    with monkeypatch.context() as patch:
        dvc = stream.dvc_in_sight
        patch.setattr(stream, "dvc_in_sight", lambda *words: stop() if words[0] == "commit" else dvc(*words))
        assert sliced.src("stream", code=130).printed.endswith("stopped: stream\n")
    handed_over = sliced.files("models")
    assert "; a stream starts from members that are up to date: dvc repro" in sliced.src("stream", code=1).complaint
    assert [stage for stage in sliced.dvc("repro", "retrain").executed if stage != "unlearn"] == ["retrain@dog"]
    assert sliced.files("models") == handed_over


@pytest.mark.full
def test_a_shard_of_which_nothing_is_left_has_an_empty_member(sliced):
    ask(sliced, *sliced.shard("horse")["id"])
    assert (
        "notice: nothing is left of shard horse: its member is empty" in sliced.src("stream", "--batch", "99").printed
    )
    (row,) = pd.read_csv(sliced / "stream.csv").to_dict("records")
    assert row["samples"] == row["afresh"]
    assert [path.name for path in (sliced / "models/retrained/tiny-3/horse").iterdir()] == ["log.csv"]
    assert "Proved: no served member" in sliced.src("audit").printed


def test_requests_that_change_nothing_are_notices_and_nothing_is_done(low):
    held_out = pd.read_parquet(low / "data/test.parquet", columns=["id"])["id"][0]
    cat = next(file for file, holders in low.holders().items() if holders == ["cat"])
    ask(low, held_out, cat, cat, "cow/00.png")
    before = low.files("models", "data", "dvc.lock")
    printed = low.src("stream").printed
    assert f"held out in the test set and in no shard: 1: line 2, {held_out}\n" in printed
    assert f"already forgotten: 1: line 3, {cat}\n" in printed
    assert f"requested before: 1: line 4, {cat}\n" in printed
    assert (
        "in no shard: not drawn for one, of a class that is not selected, or a hole: 1: line 5, cow/00.png\n" in printed
    )
    assert "nothing to do: every request of data/requests.csv is carried out" in printed
    assert low.files("models", "data", "dvc.lock") == before


def test_what_a_stream_cannot_start_from_is_one_line(low):
    ask(low, "never.png")
    assert (
        "data/requests.csv, line 2: 'never.png' is neither an id nor a raw file" in low.src("stream", code=1).complaint
    )
    low.git("checkout", "--quiet", "data/requests.csv")
    ask(low, "horse/00.png")
    before = low.files("models", "data", "dvc.lock")
    for key, value, complaint in (
        ("forget.class", "dog", "forget.class or forget.scope is not that of the last run"),
        ("train.epochs", 3, "params.yaml: train is not what train_shards@cat ran with; a stream starts from members"),
    ):
        low.edit_params({key: value})
        assert complaint in low.src("stream", code=1).complaint
        low.git("checkout", "--quiet", "params.yaml")
    assert low.files("models", "data", "dvc.lock") == before
