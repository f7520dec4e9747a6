"""Shadow members are trained as members are, and forget as members do."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Candidates, Images, Pool, Shard, union
from sisa.inference import outputs
from sisa.inference.logits import logits_of, network_of
from sisa.inference.shadows import CANDIDATES, column
from sisa.sharding.candidates import shadow_shard
from sisa.stages import candidates, shadows
from sisa.training import checkpoints
from sisa.training.fit import fit
from sisa.training.resume import retrain
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import forget
from sisa.unlearning.states import BEFORE, RETRAINED

ROOT = Path(__file__).parents[3]
NAMES = ("cat", "dog", "horse")


def images(class_, start, count):
    numbers = np.arange(start, start + count)
    pixels = np.random.default_rng(start).integers(0, 256, (count, 1, 12, 12), dtype=np.uint8)
    return Images(np.array([f"{number:064}" for number in numbers]), np.array([class_] * count), pixels)


def shard(name, *parts):
    whole = union(list(parts))
    roles = np.where(whole.classes == name, "dominant", "leaked")
    return Shard(*vars(whole).values(), roles, np.arange(len(whole)) % 2)


CATS = images("cat", 0, 8)
SHARDS = {
    "cat": shard("cat", CATS, images("dog", 100, 2)),
    "dog": shard("dog", images("dog", 100, 8), CATS.take(np.arange(3))),
    "horse": shard("horse", images("horse", 200, 8)),
}
ONLY_CATS = SHARDS | {"cat": shard("cat", CATS)}


@pytest.fixture
def dealt(tmp_path, monkeypatch):
    """A function that writes shards and a request for a class of them, runs the stage that deals, and gives the
    parameters: a tiny recipe, with two shadow ensembles."""
    monkeypatch.chdir(tmp_path)

    def of(shards, class_="cat"):
        values = yaml.safe_load((ROOT / "params.yaml").read_text())
        request = {"class": class_, "scope": "dominant", "near": False}
        values |= {"classes": 3, "shards": list(NAMES), "forget": request}
        values["sharding"] = {"kind": "classes", "folder": "animal_mnist-3"}
        network = {"name": "cnn", "patch": 2, "stride": 2, "filters": 4, "widths": [4, 8], "pool": "max"}
        values["train"] |= {"network": network, "epochs": 2, "batch_size": 4}
        values["attacks"] |= {"shards": list(NAMES), "of": ["forgotten"], "shadows": 2}
        Path("params.yaml").write_text(yaml.safe_dump(values))
        Path("models").mkdir()
        test = union([images("cat", 50, 4), images("dog", 150, 4)])
        everything = union([*shards.values(), test])
        tables.write(paths.TEST, test)
        tables.write(paths.POOL, Pool(*vars(everything).values(), everything.ids))
        for name, each in shards.items():
            tables.write(paths.SHARDS / f"{name}.parquet", each)
        forget_set.write(paths.FORGET_SET, forget(shards, load().forget.classes, "dominant", [])[1])
        candidates.main()
        return load()

    return of


def answers(name, params):
    shadows.main(name)
    return outputs.read(paths.shadows(params) / f"{name}.parquet")


def test_shadow_members_are_trained_and_retrained_as_members_are_on_what_the_request_leaves_of_their_shards(dealt):
    params = dealt(SHARDS)
    asked, told = answers("cat", params)
    drawn = tables.read(paths.CANDIDATES, Candidates)
    assert asked[CANDIDATES].ids.tolist() == drawn.ids.tolist()
    assert set(told) == {column(state, number) for state in (BEFORE, RETRAINED) for number in (0, 1)}
    whole = shadow_shard(SHARDS["cat"], drawn, 1)
    trained, again = Path("models/trained"), Path("models/again")
    fit(trained, "cat/shadow/1", whole, whole.slices, params.slices, params)  # the name gives the seeds
    retrain("cat/shadow/1", whole.take(whole.roles == "leaked"), trained, again, params)
    for state, folder in ((BEFORE, trained), (RETRAINED, again)):
        last = checkpoints.last_slice(folder)
        expected = logits_of([network_of(folder, last, params)], torch.from_numpy(drawn.pixels), params.train)[
            0
        ].numpy()
        np.testing.assert_array_equal(told[column(state, 1)].logits[CANDIDATES].astype(np.float32), expected)
        counts = checkpoints.read_seen(folder, last).counts
        assert told[column(state, 1)].counts.tolist() == [counts[name] for name in NAMES]


def test_a_shard_that_loses_nothing_keeps_its_shadow_members(dealt):
    _, told = answers("dog", dealt(SHARDS))
    assert set(told) == {column(BEFORE, 0), column(BEFORE, 1)}


def test_a_shard_that_loses_everything_has_no_retrained_ones(dealt):
    _, told = answers("cat", dealt(ONLY_CATS))
    assert set(told) == {column(BEFORE, 0), column(BEFORE, 1)}


def test_without_a_class_no_shadow_member_is_trained(dealt):
    asked, told = answers("cat", dealt(SHARDS, None))
    assert (len(asked[CANDIDATES].ids), told) == (0, {})
