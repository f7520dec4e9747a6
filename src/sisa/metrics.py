"""Accuracies, by name, ready for a metrics file."""

import numpy as np

from sisa.ensemble import UNDECIDED


def accuracies(predicted: np.ndarray, actual: np.ndarray, classes: list[str], forgotten: str | None) -> dict:
    """Shares of right answers: overall, of each class, and of the forgotten and the retained classes.

    predicted and actual [n] int64 index `classes`; an undecided prediction (-1) is never right. What does not exist
    is absent: a class without images, the forgotten class when nothing is forgotten, and every accuracy when no
    image was decided, in which case `undecided` is 1.
    """
    if len(actual) == 0:
        return {}
    undecided = predicted == UNDECIDED
    if undecided.all():
        return {"undecided": 1.0}
    right = predicted == actual
    index = {name: actual == number for number, name in enumerate(classes)}
    result: dict = {"overall": float(right.mean())}
    if forgotten is not None:
        groups = {"forgotten": index[forgotten], "retained": ~index[forgotten]}
        result |= {name: float(right[group].mean()) for name, group in groups.items() if group.any()}
    return result | {"class": {name: float(right[group].mean()) for name, group in index.items() if group.any()}}
