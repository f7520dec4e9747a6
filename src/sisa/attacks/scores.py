"""What an attack says of images: a score for each, higher for those that look trained on."""

from dataclasses import dataclass

import numpy as np

Place = tuple[str, str, str, str]  # attack, target, aggregation ("" of one model), and origin of the images


@dataclass(frozen=True)
class Scores:
    """Scores ins [m] of images that were trained on and outs [n] float64 of images that were not, neither empty;
    in_images [m] and out_images [n] str are their ids. An image may have several scores, but is on one side only, or on
    both where it was trained on by one target and not by another (canaries).
    """

    ins: np.ndarray
    outs: np.ndarray
    in_images: np.ndarray
    out_images: np.ndarray
