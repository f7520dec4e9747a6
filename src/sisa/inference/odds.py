"""Log-odds, from probabilities."""

import numpy as np

from sisa.base.elementary import log

SMALLEST = 1e-12  # of a probability, so that its logarithm exists


def log_odds(probabilities: np.ndarray, actual: int) -> np.ndarray:
    """log(p / (1 - p)) of the actual class [n], of rows [n, K]: Carlini et al. 2022, section VI-A."""
    p = np.clip(probabilities[:, actual], SMALLEST, None)
    rest = np.clip(np.delete(probabilities, actual, axis=1).sum(axis=1), SMALLEST, None)
    return log(p) - log(rest)
