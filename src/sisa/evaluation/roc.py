"""The area under the ROC curve (AUC): how well scores tell some images from others, and what each image adds to it."""

import numpy as np


def auc(ins: np.ndarray, outs: np.ndarray) -> float:
    """The probability that one of ins [m] scores higher than one of outs [n] float64, ties counting half; m, n > 0."""
    return float(placement(ins, outs).mean())


def placement(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The share of `others` [n] that each of `scores` [m] is above, ties counting half: [m] float64."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, scores) + np.searchsorted(ordered, scores, side="right")) / (2 * len(others))


def influence(ins: np.ndarray, outs: np.ndarray, in_images: np.ndarray, out_images: np.ndarray) -> dict[str, float]:
    """How far each image moves the AUC of scores ins [m] and outs [n] from its mean, by the name of the image.

    in_images [m] str and out_images [n] str: the image of each score. An image may have several scores, on one side or
    on both, as where several models were asked about it, and still counts once. The sum of the squares is the variance
    of the AUC over images: Obuchowski 1997 for clusters, here images, and with one score an image that of DeLong et al.
    1988. A side of a single image is taken as certain, and adds 0.
    """
    sides = placement(ins, outs), 1 - placement(outs, ins)
    area, found = sides[0].mean(), dict.fromkeys(sorted({*in_images.tolist(), *out_images.tolist()}), 0.0)
    for images, each in zip((in_images, out_images), sides, strict=True):
        names, place = np.unique(images, return_inverse=True)
        moved = np.bincount(place, weights=each - area) / len(each)
        count = len(names)
        for name, by in zip(names.tolist(), (moved * np.sqrt(count / max(count - 1, 1))).tolist(), strict=True):
            found[name] += by
    return found
