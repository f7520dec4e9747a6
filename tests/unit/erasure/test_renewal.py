"""A model that saw an erased image is replaced where that is proved, and priced where it must be trained."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import yaml

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Candidates, Images, Pool, Shard, union
from sisa.erasure import renewal
from sisa.sharding.candidates import pair_up
from sisa.sources import roster
from sisa.training import checkpoints
from sisa.training.checkpoints import Seen
from sisa.training.slicing import slice_digests
from sisa.unlearning import forget_set, requests
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.requests import Request

ROOT = Path(__file__).parents[3]
A, B, C, D, E, *OTHER_CATS = (letter * 64 for letter in "abcdefgh")
CLASS_OF = {A: "cat", B: "cat", C: "dog", D: "horse", E: "dog"}


def shard(name, rows):
    ids = np.array([image for image, _ in rows])
    classes = np.array([CLASS_OF[image] for image in ids], dtype=np.str_)
    pixels = np.array([[[[ord(image[0])]]] for image in ids], dtype=np.uint8).reshape(-1, 1, 1, 1)
    roles = np.array(["dominant" if each == name else "leaked" for each in classes])
    return Shard(ids, classes, pixels, roles, np.array([number for _, number in rows], dtype=np.int64))


# A leaked into every shard; C is in one.
SHARDS = {
    "cat": shard("cat", [(B, 0), (A, 1)]),
    "dog": shard("dog", [(E, 0), (C, 0), (A, 1)]),
    "horse": shard("horse", [(A, 0), (D, 1)]),
}


def write_model(folder, images, slices, count):
    folder.mkdir(parents=True)
    digests = slice_digests(images, slices, count)
    for number in range(count):
        if (slices <= number).any():
            empty = SimpleNamespace(weights={"w": np_tensor()}, optimizer={})
            checkpoints.write_checkpoint(folder, number, empty, Seen(digests[: number + 1], {}))
    row = {"slice": count, "epoch": 1, "loss": 0.0, "accuracy": 0.0, "samples": 1}
    checkpoints.write_log(folder, [row])


def np_tensor():
    import torch

    return torch.zeros(1)


@pytest.fixture
def params(tmp_path, monkeypatch):
    """Three shards in two slices from which A was requested and unlearned, in the current folder."""
    monkeypatch.chdir(tmp_path)
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    request = {"class": None, "scope": "dominant", "near": False}
    values |= {"classes": 3, "shards": list(SHARDS), "slices": 2, "forget": request}
    values["sharding"] = {"kind": "classes", "folder": "animal_mnist-3"}
    values["train"]["epochs"] = 3
    Path("params.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "conf/dataset").mkdir(parents=True)
    (tmp_path / "conf/dataset/animal_mnist.yaml").write_text("")
    params = load()
    listed = pd.DataFrame(
        [(f"{image}.png", image, name, roster.KEPT) for image, name in CLASS_OF.items()], columns=roster.COLUMNS
    )
    roster.write(paths.roster("animal_mnist"), listed)
    requests.append(paths.REQUESTS, [Request("animal_mnist", A, "2026-01-31", "asked")])
    for name, whole in SHARDS.items():
        retained = whole.take(whole.ids != A)
        tables.write(paths.SHARDS / f"{name}.parquet", whole)
        tables.write(paths.RETAINED / f"{name}.parquet", retained)
        write_model(paths.retrained(params) / name, retained, retained.slices, 2)
    together = union(list(SHARDS.values()))
    left = together.take(together.ids != A)
    tables.write(paths.UNION, together)
    tables.write(paths.UNION_RETAINED, left)
    tables.write(paths.TEST, Images(together.ids[:0], together.classes[:0], together.pixels[:0]))
    write_model(paths.BASELINE_RETRAINED, left, np.zeros(len(left), dtype=np.int64), 1)
    forget_set.write(paths.FORGET_SET, ForgetSet((), "dominant", [A], {name: [A] for name in SHARDS}, {}))
    return params


def test_an_image_that_was_unlearned_costs_no_training(params):
    stages = ["train_shards@cat", "train_shards@dog", "train_shards@horse", "baseline_full"]
    assert renewal.plan([A], params) == renewal.Renewal(stages)


def test_an_image_that_was_never_requested_is_priced_by_the_samples_of_each_model(params):
    due = renewal.plan([C], params)
    assert due.adopted == []
    # Two epochs a slice: dog keeps E in the first and A in the second, and the request then takes A out again.
    assert due.trained == {
        "models/shards/animal_mnist-3/dog": 2 * (1 + 2),
        "models/baseline_full": 3 * 4,
        "models/retrained/animal_mnist-3/dog": 2 * 1,
        "models/baseline_retrained": 3 * 3,
    }


def test_a_member_whose_checkpoints_saw_anything_else_does_not_take_the_place(params):
    member = paths.retrained(params) / "horse"
    checkpoints.slice_file(member, 1).unlink()
    due = renewal.plan([A], params)
    assert "train_shards@horse" not in due.adopted
    assert due.trained == {"models/shards/animal_mnist-3/horse": 2 * 1}


def test_an_image_that_no_shard_holds_touches_no_model(params):
    assert renewal.plan(["f" * 64], params) == renewal.Renewal()


@pytest.fixture
def attacked(params):
    """The same with cats to forget and attacks=all: of three other cats, shadow ensembles swap two for A and for B."""
    values = yaml.safe_load(Path("params.yaml").read_text())
    values["forget"]["class"] = "cat"
    attacks = {"shards": list(SHARDS), "of": ["forgotten"], "shadows": 4, "oracles": 1}
    Path("params.yaml").write_text(yaml.safe_dump(values | {"attacks": attacks}))
    removed = {"cat": [B, A], "dog": [A], "horse": [A]}
    forget_set.write(paths.FORGET_SET, ForgetSet(("cat",), "dominant", [A], removed, {}))
    test = Images(np.array(OTHER_CATS), np.array(["cat"] * 3), np.zeros((3, 1, 1, 1), np.uint8))
    tables.write(paths.TEST, test)
    together = union([*SHARDS.values(), test])
    tables.write(paths.POOL, Pool(*vars(together).values(), together.ids))
    tables.write(paths.CANDIDATES, pair_up(SHARDS, test, ("cat",), 4, 0))
    return load()


def test_attack_stages_are_priced_by_what_each_trains_again(attacked):
    trained = renewal.plan([E], attacked).trained
    # Two epochs a slice, as above. Dog's exactly retrained member keeps C and resumes after the first slice; the other
    # two stay.
    # The candidates stay, so that only dog's four shadow members are trained again, and once more without A.
    # No cat survives: one model learns from C and D, and members of three kinds each from C in dog and from D in horse.
    others = ("models/retrained/", "models/baseline_full", "models/baseline_retrained")
    assert {name: samples for name, samples in trained.items() if not name.startswith(others)} == {
        "models/shards/animal_mnist-3/dog": 2 * (1 + 2),
        "models/retrained_exact/animal_mnist-3/dog": 2 * 1,
        "models/shadows/animal_mnist-3/dog.parquet": 4 * (2 * (1 + 2) + 2 * (1 + 1)),
        "models/baseline_leaked": 3 * 2,
        "models/oracles/animal_mnist-3/dog.parquet": 3 * 2 * (1 + 1),
        "models/oracles/animal_mnist-3/horse.parquet": 3 * 2 * 1,
    }


def test_approximate_unlearning_is_priced_by_its_budget(attacked):
    values = yaml.safe_load(Path("params.yaml").read_text())
    unlearner = {"name": "finetune", "of": ["forgotten"], "budget": 0.5, "learning_rate": 1.0}
    Path("params.yaml").write_text(yaml.safe_dump(values | {"unlearner": unlearner}))
    # Without E: cat's member retains nothing, dog's C in both slices, horse's D in the second alone; two epochs each.
    # The conventional model retains C and D.
    half = (2 * 1) // 2 + (2 * 1) // 2 + (2 * 2 * 3 // 2) // 2
    assert renewal.plan([E], load()).trained["models/unlearned/animal_mnist-3"] == half


def test_a_held_out_image_that_shadow_ensembles_were_trained_on_costs_all_their_members(attacked):
    dealt = tables.read(paths.CANDIDATES, Candidates)
    (spare,) = {*OTHER_CATS} - {*dealt.ids}
    answers = [f"models/shadows/animal_mnist-3/{name}.parquet" for name in SHARDS]
    for image, again in ((spare, []), (dealt.ids[1], answers)):
        assert [name for name in renewal.plan([image], attacked).trained if "/shadows/" in name] == again
