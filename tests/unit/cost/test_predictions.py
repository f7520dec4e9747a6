"""Cost is counted in samples; retraining does not count what it resumed from; predictions agree with the count."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisa.cost.predictions import predicted_retraining, predicted_training
from sisa.training.checkpoints import samples

LOG = [{"slice": number, "epoch": epoch, "samples": 10 * number} for number in (1, 2, 3) for epoch in (1, 2)]
SLICES = np.repeat([0, 1, 2], 10)


def test_samples_are_summed_over_slices_and_epochs():
    assert samples(LOG) == 120
    assert samples([]) == 0


@pytest.mark.parametrize(("resumed_after", "expected"), [(0, 120), (1, 100), (2, 60), (3, 0)])
def test_retraining_counts_the_slices_after_the_one_it_resumed_from(resumed_after, expected):
    assert samples(LOG, after=resumed_after) == expected
    assert predicted_training(SLICES, 3, 2, resumed_after) == expected


@pytest.mark.parametrize(("row", "expected"), [(0, 2 * (9 + 19 + 29)), (19, 2 * (19 + 29)), (29, 2 * 29)])
def test_retraining_starts_with_the_first_slice_that_loses_an_image(row, expected):
    assert predicted_retraining(SLICES, np.arange(30) == row, 3, 2) == expected


def test_of_several_images_the_one_in_the_earliest_slice_counts():
    gone = np.isin(np.arange(30), [12, 25, 28])
    assert predicted_retraining(SLICES, gone, 3, 2) == 2 * (19 + 27)


def test_nothing_removed_costs_nothing():
    assert predicted_retraining(SLICES, np.zeros(30, dtype=bool), 3, 2) == 0


def test_a_shard_that_is_emptied_costs_nothing():
    assert predicted_retraining(SLICES, np.ones(30, dtype=bool), 3, 2) == 0
    assert predicted_training(SLICES[:0], 3, 2) == 0


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=1), st.integers(1, 9))
def test_with_one_slice_a_request_costs_the_epochs_of_what_is_retained(rows, epochs):
    gone = np.array([each for _, each in rows])
    expected = epochs * int((~gone).sum()) if gone.any() else 0
    assert predicted_retraining(np.zeros(len(rows), dtype=np.int64), gone, 1, epochs) == expected
