"""Oracles are trained on what the request leaves, or on nothing of it, and come back as the services that they make."""

from pathlib import Path

import numpy as np
import pytest

from sisa.base.params import load
from sisa.data.images import Images, Shard
from sisa.inference import oracles, outputs
from sisa.inference.logits import outputs_of_another
from sisa.inference.outputs import HELD_OUT, TRAINING, ModelOutputs
from sisa.unlearning.forget_set import ForgetSet

REQUEST = ForgetSet(("cat",), "dominant", [], {"cat": ["a", "b"]}, {"dog": ["b"]})
ROOT = Path(__file__).parents[3]


def shard(ids, classes):
    roles, slices = np.full(len(ids), "dominant"), np.arange(len(ids)) % 2
    pixels = np.arange(len(ids) * 28 * 28).reshape(-1, 1, 28, 28).astype(np.uint8)
    return Shard(np.array(ids, dtype=str), np.array(classes, dtype=str), pixels, roles, slices)


def test_a_copy_that_survives_is_in_the_retrained_kind_alone():
    dog = oracles.shards_by_kind(shard(["b", "c"], ["cat", "dog"]), "dog", REQUEST)
    assert {kind: each.ids.tolist() for kind, each in dog.items()} == {
        "oracle": ["c"],
        "again": ["c"],
        "retrained": ["b", "c"],
    }
    cat = oracles.shards_by_kind(shard(["a", "b"], ["cat", "cat"]), "cat", REQUEST)
    assert [len(each) for each in cat.values()] == [0, 0, 0]


@pytest.fixture
def params(monkeypatch):
    monkeypatch.chdir(ROOT)
    params = load()
    return params.model_copy(update={"train": params.train.model_copy(update={"epochs": 1})})


def test_the_seed_decides_what_another_member_of_a_shard_answers(params):
    dogs, asked = shard([*"cdefgh"], ["dog", "cow"] * 3), {HELD_OUT: shard([*"ij"], ["dog", "cat"])}
    one, same, other = (outputs_of_another(dogs, asked, params, (0, "dog", "oracle", k)) for k in (0, 0, 1))
    np.testing.assert_array_equal(one.logits[HELD_OUT], same.logits[HELD_OUT])
    assert (one.logits[HELD_OUT] != other.logits[HELD_OUT]).any()
    assert one.counts.tolist() == [0, 3, 3, 0, 0]


def test_an_empty_shard_has_no_other_member(params):
    assert outputs_of_another(shard([], []), {}, params, (0, "dog", "oracle", 0)) is None


def test_members_come_back_as_services_by_kind_and_number(tmp_path):
    asked = {
        HELD_OUT: Images(np.array(["h"]), np.array(["cat"]), np.zeros((1, 1, 1, 1), np.uint8)),
        TRAINING: Images(np.array(["t"]), np.array(["dog"]), np.zeros((1, 1, 1, 1), np.uint8)),
    }

    def answers(value):
        return ModelOutputs({name: np.full((1, 2), value) for name in asked}, np.array([0, 1]))

    dog = {Path(kind, str(k)): answers(k + len(kind)) for k in range(2) for kind in oracles.KINDS}
    horse = {path: outputs for path, outputs in dog.items() if path.parts[0] == "retrained"}
    for name, models in {"cat": {}, "dog": dog, "horse": horse}.items():
        outputs.write(tmp_path / f"{name}.parquet", asked, models)
    sets, services = oracles.read(tmp_path, ["cat", "dog", "horse"])
    assert list(sets) == [HELD_OUT, TRAINING]
    assert [[*each] for each in services["oracle"]] == [["dog"], ["dog"]]
    assert [[*each] for each in services["retrained"]] == [["dog", "horse"], ["dog", "horse"]]
    assert services["again"][1]["dog"].logits[TRAINING].tolist() == [[6.0, 6.0]]


def test_without_oracles_nothing_is_asked_and_no_service_is_there(tmp_path):
    outputs.write(tmp_path / "dog.parquet", {}, {})
    assert oracles.read(tmp_path, ["dog"]) == ({}, {"oracle": [], "again": [], "retrained": []})
