"""A truncated or foreign file where ours should be, or a full disk, is one clear line, and nothing is half-written."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file
from support.disk import fill

PLACES = ("data", "models", "metrics", "plots")
WEIGHTS = "models/shards/tiny-3/{}/slice-2.safetensors"


def truncated(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def foreign_table(path):
    pd.DataFrame({"id": ["a"]}).to_parquet(path)


def foreign_weights(path):
    save_file({"weights/layer": np.zeros(3, dtype=np.float32)}, path)


def weights_of_another_network(path):
    """Ours, with one layer of another shape."""
    header = path.read_bytes()
    seen = json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"]
    tensors = load_file(path)
    name = next(name for name in tensors if name.startswith("weights/"))
    save_file(tensors | {name: np.zeros((9, 9), dtype=np.float32)}, path, seen)


def missing(path):
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "file", "command"),
    [
        (truncated, "data/pool.parquet", ["split"]),
        (truncated, "data/shards/cat.parquet", ["unlearn"]),
        (foreign_table, "data/shards/cat.parquet", ["unlearn"]),
        (missing, "data/shards/horse.parquet", ["unlearn"]),
        (foreign_table, "data/shards/cat.parquet", ["train_shards", "cat"]),
        (truncated, "data/union.parquet", ["baseline_full"]),
        (truncated, "data/retained/cat.parquet", ["retrain", "cat"]),
        (truncated, WEIGHTS.format("cat"), ["retrain", "cat"]),
        (foreign_weights, WEIGHTS.format("cat"), ["retrain", "cat"]),
        (truncated, "data/test.parquet", ["predict"]),
        (weights_of_another_network, WEIGHTS.format("horse"), ["predict"]),
        (truncated, "models/logits.parquet", ["evaluate"]),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_a_damaged_file_is_named_and_nothing_is_written(low, damage, file, command):
    damage(low / file)
    before = low.files(*PLACES)
    assert file in low.src(*command, code=1).complaint
    assert low.files(*PLACES) == before


@pytest.mark.parametrize(
    ("file", "command"), [("data/shards/cat.parquet", ["unlearn"]), (WEIGHTS.format("cat"), ["retrain", "cat"])]
)
def test_the_command_in_the_message_brings_a_damaged_file_back(low, file, command):
    whole = (low / file).read_bytes()
    truncated(low / file)
    complaint = low.src(*command, code=1).complaint
    low.run(re.search(r"dvc checkout( --force)? [^` ,]+", complaint)[0], shell=True)
    assert (low / file).read_bytes() == whole


@pytest.mark.parametrize("command", [["prepare"], ["train_shards", "cat"], ["evaluate"]], ids=" ".join)
def test_a_full_disk_is_said_and_nothing_is_written(small_disk, low, command):
    before = low.files(*PLACES)
    fill(small_disk / "filling")
    assert "No space left on device" in low.src(*command, code=1).complaint
    assert low.files(*PLACES) == before
