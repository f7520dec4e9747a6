"""What a request removes from a shard, and from which checkpoint its member can resume."""

import hashlib

import numpy as np

from sisa.images import Images, Shard
from sisa.leakage import DOMINANT


def forgotten_rows(shard: Shard, class_: str | None, scope: str) -> np.ndarray:
    """The rows of a shard that a request covers, as a mask [n] bool.

    A class request at scope `dominant` covers the images in the shard of their own class and leaves the
    copies that leaked into other shards. No class: nothing is forgotten.
    """
    if scope != DOMINANT:
        raise ValueError(f"unknown scope {scope!r}")
    return (shard.classes == (class_ or "")) & (shard.roles == DOMINANT)


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
    count = 0
    while count < min(len(trained), len(retained)) and trained[count] == retained[count]:
        count += 1
    return count
