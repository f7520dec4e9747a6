"""The area under the ROC curve is sklearn's, and what each image adds to it is the variance of DeLong et al."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from sisa.evaluation.roc import auc, influence

SCORES = arrays(float, st.integers(2, 20), elements=st.integers(0, 5))


def named(side, count):
    return np.array([f"{side}{number}" for number in range(count)])


@given(SCORES, SCORES)
def test_auc_is_that_of_sklearn_ties_included(ins, outs):
    expected = roc_auc_score([1] * len(ins) + [0] * len(outs), [*ins, *outs])
    assert auc(ins, outs) == pytest.approx(expected)


@given(SCORES, SCORES)
def test_the_squares_of_the_influence_are_the_variance_of_delong(ins, outs):
    wins = (ins[:, None] > outs) + (ins[:, None] == outs) / 2
    variance = sum(wins.mean(axis=axis).var(ddof=1) / wins.shape[1 - axis] for axis in (0, 1))
    moved = influence(ins, outs, named("in", len(ins)), named("out", len(outs)))
    assert sum(each**2 for each in moved.values()) == pytest.approx(variance, abs=1e-12)
    assert sum(moved.values()) == pytest.approx(0)


def test_an_image_that_was_asked_about_four_times_counts_once():
    generator = np.random.default_rng(0)
    ins, outs = generator.normal(1, 1, 50), generator.normal(0, 1, 90)
    names = named("in", 50), named("out", 90)
    once = influence(ins, outs, *names)
    four = influence(np.tile(ins, 4), np.tile(outs, 4), *(np.tile(name, 4) for name in names))
    assert four == pytest.approx(once)


def test_a_side_of_one_image_is_taken_as_certain():
    moved = influence(np.array([1.0]), np.array([0.0, 2.0]), named("in", 1), named("out", 2))
    assert moved["in0"] == 0


def test_the_squares_are_the_variance_where_an_image_is_on_both_sides():
    """Each image scored by one model that was trained on it and by one that was not: what is its own, cancels out."""
    generator, areas, variances = np.random.default_rng(0), [], []
    names = named("image", 30)
    for _ in range(400):
        own = generator.normal(0, 3, 30)
        sides = own + generator.normal(1, 1, 30), own + generator.normal(0, 1, 30)
        areas.append(auc(*sides))
        variances.append(sum(each**2 for each in influence(*sides, names, names).values()))
    assert np.mean(variances) == pytest.approx(np.var(areas), rel=0.15)
    apart = influence(*sides, names, named("other", 30))
    assert np.mean(variances) < sum(each**2 for each in apart.values()) / 3
