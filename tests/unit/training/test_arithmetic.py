"""Grids and sums against Python's fractions: mixed magnitudes, subnormals, ties and zeros of both signs."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sisa.base.errors import BadInput
from sisa.training.arithmetic import LOWEST, check, eigen, grid, grid_by, sqrt, total

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False, min_value=-(2.0**100), max_value=2.0**100)
VALUES = st.lists(FLOATS, min_size=1, max_size=30)
BITS = st.integers(1, 23)


def exactly(tensor):
    return [Fraction(each) for each in tensor.double().flatten().tolist()]


def nearest(value: Fraction, step: Fraction) -> Fraction:
    """The multiple of a step that is nearest, the even one of two: Python's round of a fraction."""
    return round(value / step) * step


@given(VALUES, BITS)
def test_a_grid_has_the_nearest_multiples_of_its_step(values, bits):
    tensor = torch.tensor(values)
    integers, step = grid(tensor, bits)
    assert [each * Fraction(step) for each in exactly(integers)] == [
        nearest(each, Fraction(step)) for each in exactly(tensor)
    ]
    assert all(each.denominator == 1 and abs(each) <= 2**bits for each in exactly(integers))


@given(VALUES, BITS)
def test_the_largest_magnitude_has_all_the_bits(values, bits):
    top = max(map(abs, values))
    integers, _ = grid(torch.tensor(values), bits)
    if top >= 2.0**LOWEST:
        assert 2 ** (bits - 1) <= integers.abs().max() <= 2**bits


@given(VALUES, BITS)
def test_rows_have_grids_of_their_own(values, bits):
    rows = torch.tensor([values, values[::-1]]) * torch.tensor([[1.0], [0.001]])
    integers, step = grid_by(rows, (1,), bits)
    for row, found, of_row in zip(rows, integers, step, strict=True):
        alone = grid(row, bits)
        assert torch.equal(found, alone.integers)
        assert float(of_row) == alone.step


@given(VALUES, st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_a_sum_is_that_of_the_gridded_numbers_in_every_order(values, random):
    tensor = torch.tensor(values)
    integers, step = grid(tensor, 23)
    expected = sum(exactly(integers)) * Fraction(step)
    shuffled = random.sample(values, len(values))
    assert Fraction(float(total(tensor, (0,)))) == Fraction(float(total(torch.tensor(shuffled), (0,)))) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(BadInput, match="training diverged"):
        grid(torch.tensor([1.0, value]), 8)


def test_a_sum_that_could_be_rounded_is_refused():
    check(2**30, 22)
    with pytest.raises(OverflowError, match="cannot be added exactly"):
        check(2**31, 22)
    with pytest.raises(OverflowError):
        check(1, 53)


def test_zeros_of_both_signs_and_subnormals_are_on_every_grid():
    assert grid(torch.tensor([0.0, -0.0]), 8).integers.abs().tolist() == [0, 0]
    assert grid(torch.tensor([1.0, 1e-45]), 8).integers.tolist() == [128, 0]
    assert grid(torch.tensor([1e-45]), 8).step == 2.0 ** (LOWEST - 8)


@given(st.lists(st.floats(0, 1e30), min_size=1, max_size=40))
def test_a_root_is_correctly_rounded(values):
    for root, value in zip(sqrt(torch.tensor(values, dtype=torch.float64)).tolist(), values, strict=True):
        below, above = np.nextafter(root, -1), np.nextafter(root, np.inf)
        assert Fraction(max(below, 0)) ** 2 <= Fraction(value) <= Fraction(above) ** 2


@given(st.integers(0, 1000), st.integers(1, 12))
@settings(max_examples=20)
def test_eigenvectors_are_those_of_the_matrix(seed, size):
    half = np.random.default_rng(seed).normal(size=(size + 2, size))
    matrix = half.T @ half
    values, vectors = eigen(matrix)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix)[::-1], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(size), atol=1e-12)
    np.testing.assert_allclose(vectors @ np.diag(values) @ vectors.T, matrix, atol=1e-10)
