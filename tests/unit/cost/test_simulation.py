"""Played requests cost what the shards that they touch cost, and on average what the closed forms say."""

import numpy as np
import pytest

from sisa.cost import closed_forms, simulation
from sisa.cost.predictions import predicted_retraining
from sisa.cost.simulation import WHOLE_CLASS, Requests, play, shard_costs
from sisa.sharding.leakage import leakage_matrix


def rng(seed=0):
    return np.random.default_rng(seed)


def matrix(shards, dominant, leaked=0, reach="all"):
    names = [f"{number:03}" for number in range(shards)]
    return leakage_matrix(names, dominant, leaked, names, reach)


def played(matrix, requests, seed=0, **options):
    settings = {"slices": 1, "step_epochs": 1, "full_epochs": 1, "batch": 1, "scope": "all"}
    return play(matrix, requests, **(settings | options), rng=rng(seed))


@pytest.mark.parametrize("draw", [simulation.uniform, lambda *rest: simulation.by_user(*rest, owned=4)])
def test_no_image_is_requested_twice_and_all_can_be(draw):
    dominant = np.array([10, 3, 7])
    requests = draw(dominant, 20, rng())
    drawn = set(zip(requests.classes.tolist(), requests.ranks.tolist(), strict=True))
    assert drawn == {(number, rank) for number, count in enumerate(dominant) for rank in range(count)}


def test_classes_are_requested_once_each():
    requests = simulation.by_class(np.array([10, 3, 7]), 3, rng())
    assert sorted(requests.classes) == [0, 1, 2]
    assert set(requests.ranks) == {WHOLE_CLASS}


def test_a_user_takes_back_images_of_one_class_in_a_row_whose_ranks_are_anyones():
    requests = simulation.by_user(np.array([40, 40]), 30, rng(), owned=5)
    bursts = requests.classes.reshape(6, 5)
    assert (bursts == bursts[:, :1]).all()
    assert len(set(bursts[:, 0])) == 2
    assert (np.abs(np.diff(requests.ranks.reshape(6, 5), axis=1)) != 1).any()


@pytest.mark.parametrize("slices", [1, 2, 4, 8])
def test_a_shards_batches_cost_what_retraining_it_each_time_costs(slices):
    images, removed_in = 37, np.array([0, 0, 3, 4, 4, 4, 9])
    touched, cost = shard_costs(images, removed_in, slices, rng())
    assert touched.tolist() == [0, 3, 4, 9]
    cut, places = np.arange(images) * slices // images, rng().choice(images, len(removed_in), replace=False)
    left = np.ones(images, dtype=bool)
    for batch, counted in zip(touched, cost, strict=True):
        gone = np.isin(np.arange(images), places[removed_in == batch])
        assert counted == predicted_retraining(cut[left], gone[left], slices, 1)
        left &= ~gone


def test_a_shard_that_no_request_touches_or_that_is_empty_costs_nothing():
    for images in (5, 0):
        touched, cost = shard_costs(images, np.array([], dtype=np.int64), 4, rng())
        assert len(touched) == len(cost) == 0


def test_a_leaked_image_retrains_every_shard_with_a_copy_and_another_only_its_own():
    leaky = matrix(4, 10, leaked=3)
    leaked, own = (played(leaky, Requests(np.array([1]), np.array([rank]))) for rank in (2, 3))
    assert leaked.retraining.tolist() == [4 * 18]
    assert own.retraining.tolist() == [18]
    assert leaked.full.tolist() == own.full.tolist() == [39]


def test_reach_limits_which_shards_a_leaked_image_touches():
    near = matrix(4, 10, leaked=3, reach=1)
    assert played(near, Requests(np.array([3]), np.array([0]))).retraining.tolist() == [2 * 12]


@pytest.mark.parametrize(("scope", "expected"), [("all", 9 + 3 * 16), ("dominant", 9)])
def test_a_class_retrains_the_shards_that_its_scope_covers(scope, expected):
    leaky = matrix(4, 10, leaked=3)
    outcome = played(leaky, Requests(np.array([2]), np.array([WHOLE_CLASS])), scope=scope)
    assert outcome.retraining.tolist() == [expected]
    assert outcome.full.tolist() == [30]


def test_a_batch_retrains_a_shard_once():
    requests = Requests(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    assert played(matrix(2, 10), requests).retraining.tolist() == [9, 8, 9, 8]
    assert played(matrix(2, 10), requests, batch=2).retraining.tolist() == [8, 8]
    assert played(matrix(2, 10), requests, batch=3).retraining.tolist() == [8 + 9, 8]
    assert played(matrix(2, 10), requests, batch=2).full.tolist() == [18, 16]


def test_the_same_seed_plays_the_same():
    requests = simulation.uniform(np.full(5, 40), 50, rng())
    first, second, other = (played(matrix(5, 40), requests, seed, slices=4).retraining for seed in (1, 1, 2))
    assert first.tolist() == second.tolist() != other.tolist()


@pytest.mark.parametrize("batch", [1, 5, 50])
@pytest.mark.parametrize("slices", [1, 4])
@pytest.mark.parametrize("leaked", [0, 10])
def test_the_mean_of_many_plays_is_the_closed_form(leaked, slices, batch):
    shards = matrix(8, 500, leaked)
    total = []
    for seed in range(150):
        requests = simulation.uniform(shards.diagonal(), 50, rng(seed))
        total.append(played(shards, requests, seed, slices=slices, batch=batch).retraining.sum())
    expected = closed_forms.uniform_requests(shards.sum(axis=1), 4000, slices, 1, 50, batch).sum()
    error = np.std(total) / len(total) ** 0.5
    assert abs(np.mean(total) - expected) < 4 * error + 0.005 * expected


def test_classes_in_random_order_cost_what_the_closed_form_says():
    shards = matrix(6, 50, leaked=4, reach=2)
    total = [played(shards, simulation.by_class(shards.diagonal(), 4, rng(s)), s).retraining for s in range(400)]
    error = np.std(total, axis=0) / len(total) ** 0.5
    assert (np.abs(np.mean(total, axis=0) - closed_forms.class_requests(shards, 1, 4)) <= 4 * error).all()
