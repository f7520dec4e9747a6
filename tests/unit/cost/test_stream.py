"""A stream pays for each request once, and random requests cost on average what the closed form says."""

import numpy as np
import pytest

from sisa.cost.closed_forms import uniform_requests
from sisa.cost.stream import Step, steps
from sisa.data.images import Shard

EPOCHS = 3


def shard(*ids, slices=2):
    count = len(ids)
    names, pixels = np.full(count, "cat"), np.zeros((count, 1, 1, 1), np.uint8)
    return Shard(np.array(ids, dtype=np.str_), names, pixels, names, np.arange(count) * slices // max(count, 1))


SHARDS = {"cat": shard("a", "b", "c", "d"), "dog": shard("e", "f", "g", "d")}


def played(*batches, gone=""):
    left = {name: ~each.among(list(gone)) for name, each in SHARDS.items()}
    return list(steps(SHARDS, left, batches, 2, EPOCHS))


def test_a_request_pays_from_its_own_slice_on_and_afresh_from_the_first_that_was_ever_touched():
    first, second = played(["a"], ["c"])
    assert first == Step({"cat": 0}, EPOCHS * (1 + 3), EPOCHS * (1 + 3))
    assert second == Step({"cat": 1}, EPOCHS * 2, EPOCHS * (1 + 2))


def test_what_was_gone_before_the_stream_is_paid_for_afresh_alone():
    assert played(["c"], gone="a") == [Step({"cat": 1}, EPOCHS * 2, EPOCHS * (1 + 2))]


def test_an_image_with_two_copies_touches_both_shards_and_a_batch_each_shard_once():
    assert played(["d"]) == [Step({"cat": 1, "dog": 1}, 2 * EPOCHS * 3, 2 * EPOCHS * 3)]
    assert played(["a", "d"]) == [Step({"cat": 0, "dog": 1}, EPOCHS * (1 + 2 + 3), EPOCHS * (1 + 2 + 3))]


def test_what_is_not_there_costs_nothing():
    assert played(["x"], ["a"], ["a"])[::2] == [Step({}, 0, 0)] * 2
    assert played(["a"], gone="a") == [Step({}, 0, 0)]


def test_the_last_image_of_a_shard_costs_nothing():
    assert played(["a"], ["b", "c"], ["d"], gone="e")[2] == Step({"cat": 1, "dog": 1}, EPOCHS * 2, EPOCHS * (1 + 2))


def test_masks_of_the_caller_stay_as_they_are():
    left = {name: np.ones(len(each), dtype=bool) for name, each in SHARDS.items()}
    assert [*steps(SHARDS, left, [["a"]], 2, 1)]
    assert all(mask.all() for mask in left.values())


@pytest.mark.parametrize("slices", [1, 2, 8])
def test_the_mean_of_many_streams_is_the_closed_form(slices):
    ids = [f"{number:03}" for number in range(160)]
    shards = {"cat": shard(*ids[:80], slices=slices), "dog": shard(*ids[80:], *ids[:10], slices=slices)}
    left = {name: np.ones(len(each), dtype=bool) for name, each in shards.items()}
    rng, total = np.random.default_rng(0), []
    for _ in range(400):
        batches = rng.choice(ids, (20, 1), replace=False)
        total.append(sum(step.samples for step in steps(shards, left, batches, slices, EPOCHS)))
    sizes = np.array([len(each) for each in shards.values()])
    assert abs(np.mean(total) / uniform_requests(sizes, len(ids), slices, EPOCHS, 20, 1).sum() - 1) < 0.01
