"""Confidence intervals of what several runs measured on the same images: runs and images are both samples."""

from typing import NamedTuple

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean, and the ends of the interval around it."""

    mean: float
    low: float
    high: float


def interval(values: np.ndarray, influence: np.ndarray, images: int) -> Interval:
    """The 95 % interval of the mean of values [R] of R runs; of one run, it is over images alone.

    influence [R, n] float64: how far each of n images moves each run's value (`roc.influence`), 0 for an image that the
    value does not rest on. images: those on the smaller of the two sides that are told apart. For the difference of
    two values, give the differences of both values and influence.

    Runs and images are random, as readers and cases are in Obuchowski and Rockette 1995. With s the variance of the
    values between runs, and c the mean covariance of two runs, which they owe to the images that they share, the mean
    has the variance s / R + c; a negative c counts as 0. An interval that takes runs on the same images as independent
    leaves c out. The degrees of freedom are Satterthwaite's, of R - 1 for s (as Hillis 2007, who takes c as known) and
    images - 1 for c, which is ours: tests/unit/test_intervals.py holds the whole to its coverage.
    """
    runs, mean = len(values), float(np.mean(values))
    covariance = influence @ influence.T
    between = float(np.var(values, ddof=1)) / runs if runs > 1 else 0.0
    shared = max(float(covariance[~np.eye(runs, dtype=bool)].mean() if runs > 1 else covariance[0, 0]), 0.0)
    variance = between + shared
    if variance == 0:
        return Interval(mean, mean, mean)
    freedom = variance**2 / (between**2 / max(runs - 1, 1) + shared**2 / max(images - 1, 1))
    half_width = float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom) * np.sqrt(variance))
    return Interval(mean, mean - half_width, mean + half_width)


def half_width(values: np.ndarray) -> float:
    """Of the 95 % interval of the mean of values [R] of R > 1 independent runs: Student's t, R - 1 degrees of freedom.

    It covers the mean over all seeds and all draws of the shards and the test set from one data set.
    """
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values))


def of_area(areas: np.ndarray, influence: np.ndarray, images: int) -> Interval:
    """`interval` of AUCs, taken on their log-odds by the delta method, so that it stays within 0 and 1.

    Where all images are told apart, or none, nothing varies: the bound is then that of as many trials as there are
    images on the smaller side (Clopper and Pearson 1934).
    """
    mean, low, high = interval(areas, influence, images)
    if mean in (0, 1):
        bound = ((1 - CONFIDENCE) / 2) ** (1 / images)
        return Interval(mean, bound, 1.0) if mean == 1 else Interval(mean, 0.0, 1 - bound)
    half_width, center = (high - low) / 2 / (mean * (1 - mean)), np.log(mean / (1 - mean))
    ends = 1 / (1 + np.exp(-np.array([center - half_width, center + half_width])))
    return Interval(mean, *map(float, ends))
