"""Membership inference: can it be told from a model's answers which images it was trained on?

Scores are higher for images that look trained on. `ins` [m] and `outs` [n] float64 are the scores of images that
were, or were to be forgotten, and of others of the same class.
"""

from statistics import NormalDist

import numpy as np

from sisa.odds import log_odds

FOLDS = 10
FEWEST = 10  # images on a side, one a fold
Z = NormalDist().inv_cdf(0.975)


def population(ins: np.ndarray, outs: np.ndarray, actual: int) -> dict[str, float]:
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
    return area(odds[inside], odds[~inside]) | {"balanced_accuracy": float(balanced)}


def likelihood_ratio(target: np.ndarray, shadows: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The log-likelihood ratio [m] of having been trained on each image: LiRA, Carlini et al. 2022, equation 4.

    target [m]: the attacked model's log-odds of each image's class; shadows [N, m]: those of N models of the same
    recipe, of which inside [N, m] bool says which were trained on the image, at least one and not all. Normal
    distributions with one variance for all images on each side, as section VI-C advises for few shadow models.
    """
    sides = []
    for side in (inside, ~inside):
        mean = np.where(side, shadows, 0).sum(axis=0) / side.sum(axis=0)
        spread = np.sqrt(np.where(side, (shadows - mean) ** 2, 0).sum() / max(side.sum() - len(mean), 1)) + 1e-6
        sides.append(-0.5 * ((target - mean) / spread) ** 2 - np.log(spread))
    return sides[0] - sides[1]


def success(ins: np.ndarray, outs: np.ndarray) -> dict[str, float]:
    """How well log-likelihood ratios tell ins from outs; neither may be empty.

    Beside `area`, the balanced accuracy at the ratio 1, and the highest share of ins found (tpr_at_1_percent) with at
    most 1 % of outs accused, which of fewer than 100 is none.
    """
    cut = np.sort(outs)[::-1][int(len(outs) * 0.01)]  # so many may lie above
    balanced = ((ins > 0).mean() + (outs <= 0).mean()) / 2
    return area(ins, outs) | {"balanced_accuracy": float(balanced), "tpr_at_1_percent": float((ins > cut).mean())}


def area(ins: np.ndarray, outs: np.ndarray) -> dict[str, float]:
    """auc with its 95 % interval auc_low to auc_high, and the number of images on each side."""
    value, error = auc(ins, outs)
    low, high = max(value - Z * error, 0.0), min(value + Z * error, 1.0)
    return {"auc": value, "auc_low": low, "auc_high": high, "images": len(ins), "held_out": len(outs)}


def auc(ins: np.ndarray, outs: np.ndarray) -> tuple[float, float]:
    """The probability that one of ins scores higher than one of outs, ties counting half, and its standard error.

    DeLong et al. 1988, equations 3 to 6. With a single image on a side the error takes that side as certain.
    """
    above = (ins[:, None] > outs) + (ins[:, None] == outs) / 2
    sides = (above.mean(axis=1), above.mean(axis=0))
    variances = [side.var(ddof=1) / len(side) if len(side) > 1 else 0.0 for side in sides]
    return float(above.mean()), float(np.sqrt(sum(variances)))
