"""Elementary functions are right to about the last digit, and the same bits wherever an element stands."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisa.base.elementary import exp, in_order, log, sine_cosine, softmax

CLOSE = 4 * np.finfo(float).eps


@given(st.floats(-700, 700))
def test_exp_is_e_to_the_power(x):
    assert exp(np.array([x]))[0] == pytest.approx(math.exp(x), rel=CLOSE, abs=0)


def test_exp_of_what_is_too_small_is_nothing_and_of_nothing_is_one():
    small, infinite, one = exp(np.array([-1e9, -np.inf, 0.0]))
    assert (small < 1e-320, infinite < 1e-320, one) == (True, True, 1.0)


@given(st.floats(1e-300, 1e300))
def test_log_is_the_natural_logarithm(x):
    assert log(np.array([x]))[0] == pytest.approx(math.log(x), rel=CLOSE, abs=CLOSE)


@given(st.floats(-math.pi / 2, math.pi / 2))
def test_sine_and_cosine_are_those_of_the_angle(angle):
    sine, cosine = sine_cosine(np.array([angle]))
    assert (sine[0], cosine[0]) == pytest.approx((math.sin(angle), math.cos(angle)), rel=0, abs=1e-14)


@given(st.floats(-math.pi, math.pi))
def test_sine_and_cosine_are_good_for_places_in_images_up_to_half_a_turn(angle):
    sine, cosine = sine_cosine(np.array([angle]))
    assert (sine[0], cosine[0]) == pytest.approx((math.sin(angle), math.cos(angle)), rel=0, abs=4e-9)


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40))
def test_an_element_is_computed_alike_wherever_it_stands(values):
    """Vector instructions take several at once, and the rest one by one."""
    whole = np.array(values)
    for function in (exp, lambda x: log(np.abs(x) + 1e-3)):
        assert function(whole).tolist() == [function(np.array([each]))[0] for each in values]


def test_softmax_sums_from_the_first_class_to_the_last():
    logits = np.array([[0.0, 1.0, 2.0], [1000.0, 0.0, -1000.0]])
    expected = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(softmax(logits), expected / expected.sum(axis=1, keepdims=True), rtol=1e-14, atol=1e-300)
    assert in_order(np.array([1e16, 1.0, 1.0, -1e16])) == ((1e16 + 1.0) + 1.0) - 1e16
