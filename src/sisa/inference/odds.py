"""Probabilities and log-odds, from logits."""

import numpy as np
from scipy import special

SMALLEST = 1e-12  # of a probability, so that its logarithm exists


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, of logits [..., K] float64."""
    return special.softmax(logits, axis=-1)


def log_odds(probabilities: np.ndarray, actual: int) -> np.ndarray:
    """log(p / (1 - p)) of the actual class [n], of rows [n, K]: Carlini et al. 2022, section VI-A."""
    p = np.clip(probabilities[:, actual], SMALLEST, None)
    rest = np.clip(np.delete(probabilities, actual, axis=1).sum(axis=1), SMALLEST, None)
    return np.log(p) - np.log(rest)
