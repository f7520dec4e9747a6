"""What a state's answers are worth, as numbers by name, ready for a metrics file."""

from math import prod

import numpy as np

from sisa.evaluation.aggregation import UNDECIDED
from sisa.evaluation.roc import auc

BINS = 15


def accuracies(predicted: np.ndarray, actual: np.ndarray, classes: list[str], forgotten: np.ndarray) -> dict:
    """Shares of right answers: overall, of each class, and of the forgotten and the retained classes.

    predicted and actual [n], and forgotten [k], int64 index `classes`; an undecided prediction (-1) is never right.
    `macro_recall` is the mean over the classes. What does not exist is absent: a class without images, forgotten
    classes when nothing is forgotten, and every accuracy when no image was decided, in which case `undecided` is 1.
    """
    if len(actual) == 0:
        return {}
    undecided = predicted == UNDECIDED
    if undecided.all():
        return {"undecided": 1.0}
    right = predicted == actual
    index = {name: actual == number for number, name in enumerate(classes)}
    result: dict = {"overall": float(right.mean())}
    if len(forgotten):
        of_class = np.isin(actual, forgotten)
        groups = {"forgotten": of_class, "retained": ~of_class}
        result |= {name: float(right[group].mean()) for name, group in groups.items() if group.any()}
    recalls = {name: float(right[group].mean()) for name, group in index.items() if group.any()}
    return result | {"macro_recall": float(np.mean(list(recalls.values()))), "class": recalls}


def recognition(predicted: np.ndarray, probabilities: np.ndarray, actual: np.ndarray, forgotten: np.ndarray) -> dict:
    """What is left of the forgotten classes beside their recall; predicted and actual [n], and forgotten [k] int64,
    probabilities [n, K].

    `others_taken`: the share of the images of other classes that are taken for one of them, without which a recall says
    nothing. `forgotten_auroc`: how well their summed probability tells their images from all others, without any
    threshold (the AUROC of Hanley and McNeil 1982, of these classes against the rest): 1 is always, 0.5 is by chance,
    and exactly 0.5 where none of them is a candidate and all have the probability 0 for every image. Empty where either
    side has no image.
    """
    of_class = np.isin(actual, forgotten)
    if of_class.all() or not of_class.any():
        return {}
    believed = probabilities[:, forgotten].sum(axis=1)
    return {
        "others_taken": float(np.isin(predicted[~of_class], forgotten).mean()),
        "forgotten_auroc": auc(believed[of_class], believed[~of_class]),
    }


def calibration_error(probabilities: np.ndarray, actual: np.ndarray) -> float:
    """How far confidence is from accuracy, 0 to 1: ECE with 15 equal bins (Guo et al. 2017, equation 3).

    probabilities [n, K] float64, actual [n] int64, n > 0. Class and confidence are those of the highest probability.
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=(predicted == actual) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(actual))


def distance(probabilities: np.ndarray, reference: np.ndarray) -> float:
    """The mean Jensen-Shannon distance, base 2 and hence 0 to 1, between two models' answers [n, K] to n > 0 images:
    the square root of the divergence of Lin 1991, H((p + q) / 2) - (H(p) + H(q)) / 2. Not scipy's: CONTRIBUTING.md.
    """
    divergence = entropy((probabilities + reference) / 2) - (entropy(probabilities) + entropy(reference)) / 2
    return float(np.sqrt(np.clip(divergence, 0, None)).mean())


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """In bits [n], of rows [n, K]."""
    return -(probabilities * np.log2(np.where(probabilities > 0, probabilities, 1))).sum(axis=1)


def unlearning_accuracies(right: np.ndarray, forgotten: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """UA, RA and TA of Fan et al. 2024 ("SalUn"), shares of 1; those of no image are absent.

    right [n] bool: right answers to the training images; forgotten [n] bool: which of them were to be forgotten;
    held_out [m] bool: right answers to the held-out images of the retained classes. UA: the share of forgotten
    training images answered wrong; RA: of retained ones answered right; TA: of held-out ones answered right.
    """
    parts = {"UA": ~right[forgotten], "RA": right[~forgotten], "TA": held_out}
    return {name: float(part.mean()) for name, part in parts.items() if len(part)}


def gaps(ours: dict[str, float], reference: dict[str, float]) -> dict[str, float]:
    """How far UA, RA and TA are from those of a reference that never saw what was forgotten.

    average_gap: the mean of the absolute differences (Fan et al. 2024; theirs also averages over an attack);
    tow: the product of one less each difference, 1 being equal (Zhao et al. 2024, "What makes unlearning hard and
    what to do about it"). Empty where the two have not the same measures.
    """
    if not ours or ours.keys() != reference.keys():
        return {}
    off = [abs(ours[name] - reference[name]) for name in ours]
    return {"average_gap": float(np.mean(off)), "tow": prod(1 - each for each in off)}
