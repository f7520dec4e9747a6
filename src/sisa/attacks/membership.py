"""Membership inference: can it be told from a model's answers which images it was trained on?

Scores are higher for images that look trained on. `ins` [m] and `outs` [n] float64 are the scores of images that
were, or were to be forgotten, and of others of the same class; in_images [m] and out_images [n] str say of which.
"""

from dataclasses import dataclass

import numpy as np

from sisa.evaluation.intervals import of_area
from sisa.evaluation.roc import auc, influence
from sisa.inference.odds import log_odds

FOLDS = 10
FEWEST = 10  # images on a side, one a fold


@dataclass(frozen=True)
class Found:
    """How well an attack did, numbers by name, and how far each image moves its AUC (roc.influence), by image."""

    numbers: dict[str, float]
    influence: dict[str, float]


def population(ins: np.ndarray, outs: np.ndarray, actual: int, in_images: np.ndarray, out_images: np.ndarray) -> Found:
    """An attacker who has the answers to other images of the population and knows which were trained on.

    ins [m, K] and outs [n, K] are probabilities, m and n at least FEWEST. Scored by the log-odds of the actual class,
    as the population attack of Ye et al. 2022 is by the loss; significantly below 0.5 is a trace too: forgotten images
    stand out. The threshold of the balanced accuracy is fitted to other folds, both sides of equal weight. The scores
    are not: a model fitted to other folds is below 0.5 where there is nothing to find.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    odds, inside = log_odds(np.concatenate([ins, outs]), actual), np.arange(len(ins) + len(outs)) < len(ins)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    guess = cross_val_predict(LogisticRegression(class_weight="balanced"), odds[:, None], inside, cv=folds)
    balanced = (guess[inside].mean() + (~guess[~inside]).mean()) / 2
    found = area(odds[inside], odds[~inside], in_images, out_images)
    return Found(found.numbers | {"balanced_accuracy": float(balanced)}, found.influence)


def success(ins: np.ndarray, outs: np.ndarray, in_images: np.ndarray, out_images: np.ndarray) -> Found:
    """How well log-likelihood ratios tell ins from outs, an image having one of each member that was asked about it;
    neither may be empty.

    Beside `area`, the balanced accuracy at the ratio 1, and the highest share of ins found (tpr_at_1_percent) with at
    most 1 % of outs accused, which of fewer than 100 is none.
    """
    cut = np.sort(outs)[::-1][int(len(outs) * 0.01)]  # so many may lie above
    balanced = ((ins > 0).mean() + (outs <= 0).mean()) / 2
    rates = {"balanced_accuracy": float(balanced), "tpr_at_1_percent": float((ins > cut).mean())}
    found = area(ins, outs, in_images, out_images)
    return Found(found.numbers | rates, found.influence)


def area(ins: np.ndarray, outs: np.ndarray, in_images: np.ndarray, out_images: np.ndarray) -> Found:
    """auc with its 95 % interval over images, auc_low to auc_high, and the number of distinct images on each side."""
    moved = influence(ins, outs, in_images, out_images)
    images, held_out = len(np.unique(in_images)), len(np.unique(out_images))
    value, low, high = of_area(np.array([auc(ins, outs)]), np.array([[*moved.values()]]), min(images, held_out))
    return Found({"auc": value, "auc_low": low, "auc_high": high, "images": images, "held_out": held_out}, moved)
