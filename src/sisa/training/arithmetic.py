"""Arithmetic whose bits do not depend on the machine: sums of integers that no order of adding can round.

A floating-point sum depends on the order of its terms, and so on vector width, blocking, threads, library and device. A
sum that is exact does not. THEOREM. Let all terms be multiples of one power of two, `step`, and let the sum of their
magnitudes be at most 2^p · step, p the bits of the format's significand (float32: 24, float64: 53). Then every partial
sum, in any order and grouping, fused or not, is a multiple of `step` of at most that magnitude: it is representable,
and IEEE 754 addition gives it without rounding. (Sterbenz 1974; Demmel and Nguyen 2013, "Fast Reproducible
Floating-Point Summation", build reproducible sums from it; Ozaki et al. 2012, matrix products.)

So every operand is first put on a grid of its own: integers of at most b bits, times a power of two. Products of such
integers are integers of 2b bits. Whether their sums fit a format is computed from the operands, never assumed: what may
not fit float32 is added in float64, with the same result, and what may not fit that is refused.

Elementwise IEEE operations (+ - * / of tensors, rounding, comparisons, sqrt) are correctly rounded everywhere, as long
as no two of them are contracted into one: each is an operation of its own here. Elementary functions are polynomials,
in float64 by Horner's rule.

NaN and infinity have no place on a grid: they are refused.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from sisa.base.errors import BadInput

FLOAT32, FLOAT64 = 2**24, 2**53  # up to here each holds every integer
LOWEST = -100  # exponent of the smallest magnitude that a grid tells from 0


class Grid(NamedTuple):
    """A tensor as `integers` (whole numbers in float32 or float64) times `step`, a power of two."""

    integers: Tensor
    step: float


def grid(values: Tensor, bits: int) -> Grid:
    """The nearest multiples (ties to even) of the power of two with which the largest magnitude has so many bits.

    Float32 or float64, any shape. Every operation is exact but this one rounding; the integers are at most 2^bits.
    Raises BadInput for NaN and infinity.
    """
    power = bits - max(math.frexp(check_finite(values))[1], LOWEST)
    return Grid((values * math.ldexp(1.0, power)).round_(), math.ldexp(1.0, -power))


def check_finite(values: Tensor) -> float:
    """The largest magnitude, 0 where there is no value. Raises BadInput for NaN, whose bits differ from machine to
    machine, and for infinity."""
    found = float(values.detach().abs().amax()) if values.numel() else 0.0
    if not math.isfinite(found):
        lower = "a lower train.optimizer.learning_rate, or unlearner.learning_rate where an unlearner trained"
        raise BadInput(f"training diverged: a value is {found}; take {lower}")
    return found


def grid_by(values: Tensor, dims: Sequence[int], bits: int) -> tuple[Tensor, Tensor]:
    """The same with a step of its own for each index of the dimensions besides `dims`: the integers, and the steps,
    which broadcast to them; float32. NaN and infinity stay what they are, or become NaN."""
    power = bits - torch.frexp(values.detach().abs().amax(dims, keepdim=True)).exponent.clamp_(min=LOWEST)
    return (values * power_of_two(power)).round_(), power_of_two(-power)


def power_of_two(power: Tensor) -> Tensor:
    """2^power as float32, of int32 from -126 to 127, put together from bits: a library's pow need not be exact."""
    return ((power + 127) << 23).view(torch.float32)


def check(terms: int, bits: int) -> None:
    """Raises OverflowError unless so many integers, or products, of these bits add up to less than float64 holds."""
    if terms << bits >= FLOAT64:
        raise OverflowError(f"{terms} integers of {bits} bits cannot be added exactly in float64; add fewer at once")


def total(values: Tensor, dims: Sequence[int], bits: int = 23) -> Tensor:
    """The sum over `dims` as float64, of values on one grid."""
    check(math.prod(values.shape[dim] for dim in dims), bits)
    integers, step = grid(values, bits)
    return integers.sum(dims, dtype=torch.float64) * step


def sqrt(values: Tensor) -> Tensor:
    """Correctly rounded: torch's own on a CPU is a vector library's, and is not."""
    return torch.from_numpy(np.sqrt(values.numpy())) if values.device.type == "cpu" else values.sqrt()


def on_cpu(function: Callable[[np.ndarray], np.ndarray], values: Tensor) -> Tensor:
    """A function of sisa.base.elementary, of a small tensor: the same bits, wherever the tensor is."""
    return torch.from_numpy(function(values.detach().cpu().numpy())).to(values.device)


def eigen(symmetric: np.ndarray, sweeps: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues [k], falling, and eigenvectors [k, k] in columns, of a symmetric matrix, float64.

    Cyclic Jacobi rotations (Golub and Van Loan 2013, section 8.5) of whole rows and columns, elementwise. Vectors are
    turned so that their component of largest magnitude is positive.
    """
    a, vectors = symmetric.astype(np.float64).copy(), np.eye(len(symmetric))
    for _ in range(sweeps):
        if not np.triu(a, 1).any():
            break
        for p in range(len(a) - 1):
            for q in range(p + 1, len(a)):
                rotate(a, vectors, p, q)
    order = np.argsort(-np.diag(a), kind="stable")
    vectors = vectors[:, order]
    strongest = vectors[np.abs(vectors).argmax(axis=0), np.arange(len(a))]
    return np.diag(a)[order], vectors * np.where(strongest < 0, -1.0, 1.0)


def rotate(a: np.ndarray, vectors: np.ndarray, p: int, q: int) -> None:
    """Make a[p, q] zero; negligible ones are taken for zero."""
    if abs(a[p, q]) <= 2.0**-54 * math.sqrt(abs(a[p, p] * a[q, q])):
        a[p, q] = a[q, p] = 0.0
        return
    tau = (a[q, q] - a[p, p]) / (2 * a[p, q])
    t = math.copysign(1.0, tau) / (abs(tau) + math.sqrt(1 + tau * tau))
    c = 1 / math.sqrt(1 + t * t)
    s = t * c
    a[:, p], a[:, q] = c * a[:, p] - s * a[:, q], s * a[:, p] + c * a[:, q]
    a[p], a[q] = c * a[p] - s * a[q], s * a[p] + c * a[q]
    a[p, q] = a[q, p] = 0.0
    vectors[:, p], vectors[:, q] = c * vectors[:, p] - s * vectors[:, q], s * vectors[:, p] + c * vectors[:, q]
