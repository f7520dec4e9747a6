"""An approximate unlearner gets a share of what exact forgetting takes, to the sample."""

from pathlib import Path

import numpy as np
import pytest

from sisa.base import paths
from sisa.base.params import Finetune, load
from sisa.cost import budgets
from sisa.cost.budgets import Price
from sisa.data.images import Shard, union
from sisa.unlearning.forget_set import forget

COMMITTED = load(Path(__file__).parents[3] / "params.yaml")
TENTH = Finetune(name="finetune", of=["forgotten"], budget=0.1, learning_rate=1.0)
PARAMS = COMMITTED.model_copy(
    update={"train": COMMITTED.train.model_copy(update={"epochs": 10}), "slices": 2, "unlearner": TENTH}
)


def shard(name, classes, first):
    """Images with ids from `first` on, the first half of them in the first slice."""
    count = len(classes)
    ids = np.array([f"{number:03}" for number in range(first, first + count)])
    roles = np.where(np.array(classes) == name, "dominant", "leaked")
    pixels = np.zeros((count, 1, 1, 1), np.uint8)
    return Shard(ids, np.array(classes), pixels, roles, np.arange(count) * 2 // count)


SHARDS = {
    "cat": shard("cat", ["dog"] * 10 + ["cat"] * 20 + ["dog"] * 10, 0),
    "dog": shard("dog", ["dog"] * 20, 100),
}


def prices(classes=("cat",), images=()):
    _, to_forget = forget(SHARDS, classes, "dominant", images)
    return budgets.prices(SHARDS, union([*SHARDS.values()]), to_forget, PARAMS)


def test_the_price_is_that_of_exact_forgetting():
    epochs = 7  # of a slice: 2 · 10 / 3
    member = epochs * (10 + 20)  # 10 dogs in the first slice, 10 more in the second
    assert prices() == {
        paths.members(PARAMS) / "cat": Price(member, 21),
        paths.BASELINE_FULL: Price(40 * 10, 40),
    }


def test_an_image_of_the_last_slice_costs_that_slice_alone():
    found = prices((), ["119"])
    assert found[paths.members(PARAMS) / "dog"] == Price(7 * 19, 13)
    assert found.keys() == {paths.members(PARAMS) / "dog", paths.BASELINE_FULL}


def test_nothing_to_forget_has_no_price():
    assert prices(()) == {}


@pytest.mark.parametrize(("samples", "share", "budget"), [(30, 0.1, 3), (100, 0.29, 29), (3, 0.05, 1), (0, 0.1, 0)])
def test_a_share_is_rounded_and_at_least_one_sample(samples, share, budget):
    assert budgets.share(samples, share) == budget
