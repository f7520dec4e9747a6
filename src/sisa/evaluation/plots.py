"""The tables behind the plots, the header and one row a mark; dvc.yaml says how they are drawn."""

import numpy as np


def confusion(actual: np.ndarray, predicted: np.ndarray, classes: list[str]) -> list[tuple]:
    """One row an image: its class, and the one that it was taken for, or `undecided` (ensemble.UNDECIDED, -1).

    actual [n] str, predicted [n] int64 indices of `classes`.
    """
    taken_for = np.array([*classes, "undecided"])[predicted]
    return [("actual", "predicted"), *zip(actual.tolist(), taken_for.tolist(), strict=True)]


def class_accuracy(scores: dict[str, dict]) -> list[tuple]:
    """One row a state and class, from metrics.accuracies of each state; none where nothing was decided."""
    rows = [(state, name, share) for state, each in scores.items() for name, share in each.get("class", {}).items()]
    return [("state", "class", "accuracy"), *rows]
