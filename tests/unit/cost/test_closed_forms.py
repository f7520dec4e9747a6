"""The closed forms are means over requests, and the general one contains the paper's."""

from itertools import product

import numpy as np
import pytest

from sisa.cost.closed_forms import (
    batched_requests,
    class_request,
    class_requests,
    sequential_requests,
    single_request,
    uniform_requests,
)
from sisa.cost.predictions import predicted_retraining
from sisa.sharding.leakage import leakage_matrix
from sisa.training.slicing import exact_slice_epochs

EPOCHS = 45  # whole for 1, 2, 4 and 8 slices


@pytest.mark.parametrize("slices", [1, 2, 4, 8])
def test_a_single_request_costs_on_average_what_the_paper_says_but_for_the_image_that_goes(slices):
    images = 40 * slices
    cut, step = np.arange(images) // 40, round(exact_slice_epochs(EPOCHS, slices))
    mean = np.mean([predicted_retraining(cut, np.arange(images) == row, slices, step) for row in range(images)])
    assert exact_slice_epochs(EPOCHS, slices) == step
    assert mean == pytest.approx(single_request(images, slices, EPOCHS) - EPOCHS)
    general = uniform_requests(np.array([images]), images, slices, step, 1, 1)
    assert general.sum() == pytest.approx(mean)


@pytest.mark.parametrize(("shards", "requests"), [*product([5, 10, 20], [1, 7, 50])])
def test_the_general_form_contains_those_of_the_paper(shards, requests):
    images, sizes = 1000, np.full(shards, 1000 / shards)
    one_by_one = uniform_requests(sizes, images, 1, 3, requests, 1)
    at_once = uniform_requests(sizes, images, 1, 3, requests, requests)
    assert len(one_by_one) == requests
    assert one_by_one.sum() == pytest.approx(sequential_requests(images, shards, requests, 3))
    assert at_once.sum() == pytest.approx(batched_requests(images, shards, requests, 3))


def test_the_paper_counts_what_earlier_requests_took():
    assert sequential_requests(100, 1, 3, 2) == 2 * (99 + 98 + 97)
    assert batched_requests(100, 1, 3, 2) == 2 * 97
    assert single_request(100, 1, 2) == 200
    assert single_request(100, 2, 3) == pytest.approx(2 * (0.5 * 150 + 0.5 * 100))  # 2 epochs on 50, 2 on 100


def test_requests_that_are_no_whole_batches_have_no_closed_form():
    with pytest.raises(ValueError, match="10 requests are not a whole number of batches of 4"):
        uniform_requests(np.array([100]), 100, 1, 1, 10, 4)


def test_a_class_costs_what_is_retained_of_the_shards_that_hold_it():
    sizes = np.array([1000, 1000, 1000, 950, 950])
    assert class_request(sizes, np.array([800, 50, 0, 0, 0]), 20) == 20 * (200 + 950)
    assert class_request(sizes, np.zeros(5), 20) == 0


@pytest.mark.parametrize("reach", ["all", 1, 0])
def test_classes_one_after_another_cost_the_mean_over_all_orders(reach):
    names = list("abcd")
    matrix = leakage_matrix(names, 10, 3, names, reach)
    orders = [order for order in product(range(4), repeat=3) if len(set(order)) == 3]
    costs = np.zeros(3)
    for order in orders:
        left = matrix.copy()
        for step, name in enumerate(order):
            held = left[:, name] > 0
            left[:, name] = 0
            costs[step] += 2 * left[held].sum() / len(orders)
    np.testing.assert_allclose(class_requests(matrix, 2, 3), costs)
