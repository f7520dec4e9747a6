"""Elementary functions that give the same bits on every machine, of float64 arrays.

The exp, log, sin and cos of NumPy, PyTorch and C libraries differ in the last digit from one processor to the next.
Here they are polynomials by Horner's rule: each product and each sum is an operation of its own, which IEEE 754 rounds
in one way. Errors are about one unit in the last place.
"""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

LN2_HIGH, LN2_LOW = float.fromhex("0x1.62e42fee00000p-1"), float.fromhex("0x1.a39ef35793c76p-33")  # fdlibm's split
LN2_INVERSE = float.fromhex("0x1.71547652b82fep+0")
EXP = [float(Fraction(1, math.factorial(n))) for n in range(14, -1, -1)]
ATANH = [2 / n for n in range(25, 0, -2)]
SINE = [float(Fraction((-1) ** n, math.factorial(2 * n + 1))) for n in range(9, -1, -1)]
COSINE = [float(Fraction((-1) ** n, math.factorial(2 * n))) for n in range(9, -1, -1)]
SMALLEST = -745.0  # of which exp is not 0


def horner(x: np.ndarray, coefficients: Sequence[float]) -> np.ndarray:
    """The polynomial with these coefficients, highest first."""
    found = np.full_like(x, coefficients[0])
    for each in coefficients[1:]:
        found = found * x + each
    return found


def exp(x: np.ndarray) -> np.ndarray:
    """e^x: 2^k · e^r with x = k · ln 2 + r, |r| <= ln 2 / 2, and Taylor's polynomial for e^r (Cody and Waite 1980: ln 2
    in two parts, so that k · LN2_HIGH is exact). 0 below SMALLEST, and infinity above 709."""
    x = np.maximum(np.asarray(x, dtype=np.float64), SMALLEST)
    k = np.rint(x * LN2_INVERSE)
    return np.ldexp(horner((x - k * LN2_HIGH) - k * LN2_LOW, EXP), k.astype(np.int32))


def log(x: np.ndarray) -> np.ndarray:
    """The natural logarithm of positive numbers: k · ln 2 + log m with x = 2^k · m, m from sqrt(1/2) to sqrt(2), and
    log m = 2 · atanh(f), f = (m - 1) / (m + 1), by its series."""
    m, k = np.frexp(np.asarray(x, dtype=np.float64))
    small = m < math.sqrt(0.5)
    m, k = np.where(small, m * 2, m), k - small
    f = (m - 1) / (m + 1)
    return k * LN2_HIGH + (horner(f * f, ATANH) * f + k * LN2_LOW)


def sine_cosine(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of angles in radians, by Taylor's polynomials: up to a right angle to 1e-14, up to two to 4e-9, not beyond."""
    square = angle * angle
    return horner(square, SINE) * angle, horner(square, COSINE)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, of logits [..., K]: summed from the first class to the last."""
    exponentials = exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / in_order(exponentials)[..., None]


def in_order(values: np.ndarray) -> np.ndarray:
    """The sum over the last axis from left to right, one addition after the other."""
    return np.cumsum(values, axis=-1)[..., -1]
