"""Log-odds, from probabilities."""

import numpy as np

from sisa.base.elementary import log

SMALLEST = 1e-12  # of a probability, so that its logarithm exists


def log_odds(probabilities: np.ndarray, actual: np.ndarray | int) -> np.ndarray:
    """log(p / (1 - p)) [n] of the actual class, one for all or of each row [n] int64, of rows [n, K]: Carlini et al.
    2022, section VI-A.
    """
    is_actual = np.arange(probabilities.shape[1]) == np.reshape(actual, (-1, 1))
    p = np.where(is_actual, probabilities, 0).sum(axis=1)
    rest = np.where(is_actual, 0, probabilities).sum(axis=1)
    return log(np.clip(p, SMALLEST, None)) - log(np.clip(rest, SMALLEST, None))
