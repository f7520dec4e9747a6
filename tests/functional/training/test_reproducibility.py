"""A retrained member has the bytes of one that never saw what was forgotten."""

import json
from pathlib import Path

import pytest

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Shard
from sisa.stages import retrain, split, train_shards, unlearn
from sisa.training.fit import fit


def train_from_scratch(params) -> dict[str, bytes]:
    """The files of a member that was trained on what is retained of the shard cat."""
    shard = tables.read(paths.RETAINED / "cat.parquet", Shard)
    fit(Path("models/scratch"), "cat", shard, shard.slices, params.slices, params)
    return {path.name: path.read_bytes() for path in Path("models/scratch").iterdir()}


def retrained(params) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (paths.retrained(params) / "cat").iterdir()}


def test_a_retrained_member_is_byte_for_byte_one_trained_from_scratch(low, monkeypatch):
    monkeypatch.chdir(low.path)
    params = load()
    assert train_from_scratch(params) == retrained(params)


@pytest.fixture
def sliced(low, monkeypatch):
    """Three slices a shard; the member of cat is trained."""
    monkeypatch.chdir(low.path)
    low.edit_params({"slices": 3})
    split.main()
    train_shards.main("cat")
    return load()


def test_a_retrained_member_of_slices_is_one_trained_from_scratch(sliced):
    unlearn.main()
    retrain.main("cat")
    assert sorted(retrained(sliced)) == ["log.csv", *(f"slice-{number}.safetensors" for number in (1, 2, 3))]
    assert train_from_scratch(sliced) == retrained(sliced)


@pytest.mark.parametrize("kept", [1, 2])
def test_retraining_after_untouched_slices_is_training_from_scratch(sliced, kept):
    shard = tables.read(paths.SHARDS / "cat.parquet", Shard)
    tables.write(paths.RETAINED / "cat.parquet", shard.take((shard.slices < kept) | (shard.classes != "cat")))
    retrain.main("cat")
    assert json.loads(paths.retraining(sliced, "cat").read_text())["untouched_slices"] == kept
    assert train_from_scratch(sliced) == retrained(sliced)
