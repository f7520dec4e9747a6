"""Slices: how long each is trained, what makes it the same slice, and after which of them retraining can resume."""

import hashlib
from itertools import takewhile
from operator import eq

import numpy as np

from sisa.data.images import Images


def exact_slice_epochs(epochs: int, slices: int) -> float:
    """Epochs on each slice: e' = 2R/(R+1) · e0 over all R (Bourtoule et al. 2021, section IV-B)."""
    return 2 * epochs / (slices + 1)


def slice_epochs(epochs: int, slices: int) -> int:
    """The same as training does them: whole, at least 1."""
    return max(1, round(exact_slice_epochs(epochs, slices)))


def slice_digests(images: Images, slices: np.ndarray, count: int) -> list[str]:
    """SHA-256 (hex) of everything that training sees of each of the `count` slices: ids, classes, pixels, in order."""
    digests = []
    for number in range(count):
        part = images.take(slices == number)
        digest = hashlib.sha256(repr(part.pixels.shape).encode())
        for image, name, pixels in zip(part.ids, part.classes, part.pixels, strict=True):
            digest.update(f"{image}/{name}/".encode() + pixels.tobytes())
        digests.append(digest.hexdigest())
    return digests


def untouched_slices(trained: list[str], retained: list[str]) -> int:
    """How many of the first slices are the same in both: retraining resumes after them."""
    return sum(takewhile(bool, map(eq, trained, retained)))
