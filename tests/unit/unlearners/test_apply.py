"""What an unlearner makes of a model on disk is a model on disk, and says what it has seen."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter

from sisa.base.params import Cnn, Params, load
from sisa.data.images import Shard
from sisa.training import checkpoints
from sisa.training.fit import fit
from sisa.unlearners.apply import UNLEARNERS, unlearn

ROOT = Path(__file__).parents[3]
COMMITTED = load(ROOT / "params.yaml")
NETWORK = Cnn(name="cnn", patch=2, stride=2, filters=4, widths=[4], pool="max")
TRAIN = COMMITTED.train.model_copy(update={"network": NETWORK, "epochs": 1, "batch_size": 4})
SCRUB = TypeAdapter(Params.model_fields["unlearner"].annotation).validate_python(
    yaml.safe_load((ROOT / "conf/unlearner/scrub.yaml").read_text())
)
CHANGES = {"train": TRAIN, "classes": 3, "shards": ["cat", "dog", "horse"], "unlearner": SCRUB}
PARAMS = COMMITTED.model_copy(update=CHANGES)
SHARD = Shard(
    ids=np.array([f"{number:02}" for number in range(12)]),
    classes=np.array(["horse", "cat", "cat"] * 4),
    pixels=np.random.default_rng(0).integers(0, 256, (12, 1, 8, 8), dtype=np.uint8),
    roles=np.array(["leaked", "dominant", "dominant"] * 4),
    slices=np.arange(12) // 6,
)
MEMBER, TARGET = Path("models/shards/pets-3/cat"), Path("models/unlearned/pets-3/shards/pets-3/cat")


@pytest.fixture(autouse=True)
def trained(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fit(MEMBER, "cat", SHARD, SHARD.slices, 2, PARAMS)


def files():
    return {path.name: path.read_bytes() for path in TARGET.iterdir()}


def test_the_unlearned_model_is_its_last_checkpoint_under_the_same_header():
    gone = SHARD.classes == "cat"
    assert unlearn(MEMBER, SHARD, gone, 9, TARGET, PARAMS) == 9
    first = files()
    assert first.keys() == {"log.csv", "slice-2.safetensors"}
    assert checkpoints.read_seen(TARGET, 1) == checkpoints.read_seen(MEMBER, 1)
    log = checkpoints.read_log(TARGET)
    assert [(row["slice"], row["epoch"]) for row in log] == [(2, number + 1) for number in range(len(log))]
    assert checkpoints.samples(log) == 9
    unlearn(MEMBER, SHARD, gone, 9, TARGET, PARAMS)
    assert files() == first
    assert first["slice-2.safetensors"] != (MEMBER / "slice-2.safetensors").read_bytes()


def test_a_model_that_retains_nothing_becomes_an_empty_one():
    assert unlearn(MEMBER, SHARD, np.ones(12, bool), 0, TARGET, PARAMS) == 0
    assert checkpoints.last_slice(TARGET) is None


def test_another_seed_unlearns_in_another_way():
    gone = SHARD.classes == "cat"
    unlearn(MEMBER, SHARD, gone, 9, TARGET, PARAMS)
    first = files()
    unlearn(MEMBER, SHARD, gone, 9, TARGET, PARAMS.model_copy(update={"seed": 1}))
    assert files() != first


def test_every_unlearner_that_can_be_chosen_is_there():
    choices = {path.stem for path in (ROOT / "conf/unlearner").glob("*.yaml")}
    assert {*UNLEARNERS, "none"} == choices
