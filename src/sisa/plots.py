"""The tables behind the plots, one row a mark; dvc.yaml says how they are drawn."""

import numpy as np
import pandas as pd


def confusion(actual: np.ndarray, predicted: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """One row an image: its class, and the one that it was taken for, or `undecided` (ensemble.UNDECIDED, -1).

    actual [n] str, predicted [n] int64 indices of `classes`.
    """
    return pd.DataFrame({"actual": actual, "predicted": np.array([*classes, "undecided"])[predicted]})


def class_accuracy(scores: dict[str, dict]) -> pd.DataFrame:
    """One row a state and class, from metrics.accuracies of each state; none where nothing was decided."""
    rows = [(state, name, share) for state, each in scores.items() for name, share in each.get("class", {}).items()]
    return pd.DataFrame(rows, columns=["state", "class", "accuracy"])


def loss_curves(logs: dict[str, list[dict]]) -> pd.DataFrame:
    """One row a model and epoch, epochs counted on through the slices, from the training log of each model."""
    rows = [
        (name, epoch, row["loss"], row["accuracy"])
        for name, log in logs.items()
        for epoch, row in enumerate(log, start=1)
    ]
    return pd.DataFrame(rows, columns=["model", "epoch", "loss", "accuracy"])
