"""Near-duplicates: pictures that are mirrored, cropped, compressed or resized copies of others, found by their looks.

A perceptual hash (dHash: whether each of 8 x 8 places is lighter than the one beside it, by the library ImageHash)
proposes pairs, and their pixels decide. Two pictures are near-duplicates where one of them, as it is, cropped or at
half its size, and mirrored or not, correlates with the other. Only the middle square of a picture is compared, in grey,
at one size. What is turned, painted over, or cropped by far more than a tenth is not found.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import Self

import imagehash
import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sisa.data.variants import KEPT

SIDE = 32  # pixels, of what is kept of a picture
COMPARED = 24  # pixels, of what is compared: coarser, so that resampling twice makes no difference
MARGIN = SIDE * (1 - KEPT) / 2  # pixels of these, which a crop leaves out
OFF_CENTRE = 0.55  # pixels of these; crops in whole pixels of a small picture lie so far beside the middle
BITS = 12  # of 64 that may differ between the hashes of a pair; chosen, as the next, by benchmarks/near.py
ALIKE = 0.985  # the correlation from which two pictures are near-duplicates
CHUNK = 1000  # pictures, or pairs, at a time
HASHED = ((0, 0), (1, 0), (0, 1), (2, 0), (3, 0), (2, 1))  # which hash of the one is compared with which of the other


@dataclass(frozen=True)
class Looks:
    """n pictures: squares [n, SIDE, SIDE] uint8; hashes [n, 4] uint64, of the picture and its middle, and of both
    mirrored."""

    squares: np.ndarray
    hashes: np.ndarray

    def __len__(self) -> int:
        return len(self.squares)

    @classmethod
    def of(cls, squares: Iterable[Image.Image]) -> Self:
        """Of pictures as `square` makes them."""
        seen = [(np.asarray(each), hashes(each)) for each in squares]
        pixels, hashed = zip(*seen, strict=True) if seen else ((), ())
        return cls(np.array(pixels, np.uint8).reshape(-1, SIDE, SIDE), np.array(hashed, np.uint64).reshape(-1, 4))


def square(rgb: np.ndarray) -> Image.Image:
    """The middle of a picture [height, width, 3] uint8 of any size, grey and small."""
    return ImageOps.fit(Image.fromarray(rgb).convert("L"), (SIDE, SIDE), method=Image.Resampling.BILINEAR)


def middle(image: Image.Image) -> Image.Image:
    """What a crop leaves, at the size of before."""
    return image.resize(image.size, Image.Resampling.BILINEAR, box=(MARGIN, MARGIN, SIDE - MARGIN, SIDE - MARGIN))


def hashes(image: Image.Image) -> np.ndarray:
    upright = (image, middle(image))
    every = [imagehash.dhash(each).hash for each in (*upright, *map(ImageOps.mirror, upright))]
    return np.packbits(every).view(np.uint64)


def pairs(ones: Looks, others: Looks) -> np.ndarray:
    """The places [p, 2] int of near-duplicates in `ones` and in `others`, sorted."""
    found = proposed(ones, others)
    return found[likeness(ones, others, found) >= ALIKE]


def groups(looks: Looks) -> list[list[int]]:
    """The places of pictures that are near-duplicates of each other, or by way of others: groups of at least two."""
    found = pairs(looks, looks)
    graph = coo_array((np.ones(len(found), dtype=bool), found.T), shape=(len(looks), len(looks)))
    count, numbers = connected_components(graph, directed=False)
    members = [np.flatnonzero(numbers == number).tolist() for number in range(count)]
    return [each for each in members if len(each) > 1]


def proposed(ones: Looks, others: Looks) -> np.ndarray:
    """The pairs [p, 2] int of which the hashes differ by few bits."""
    found = [np.empty((0, 2), dtype=np.int64)]
    for start in range(0, len(ones), CHUNK):
        mine = ones.hashes[start : start + CHUNK]
        close = np.zeros((len(mine), len(others)), dtype=bool)
        for one, other in HASHED:
            close |= np.bitwise_count(mine[:, None, one] ^ others.hashes[None, :, other]) <= BITS
        found.append(np.argwhere(close) + np.array([start, 0]))
    return np.concatenate(found)


def likeness(ones: Looks, others: Looks, which: np.ndarray) -> np.ndarray:
    """The highest correlation [p] float32 of the pairs [p, 2] over all that may have become of one of the two."""
    one, other = (np.ascontiguousarray(column) for column in which.T)
    return np.maximum(changed(ones, one, others, other), changed(others, other, ones, one))


def changed(changing: Looks, ones: np.ndarray, staying: Looks, others: np.ndarray) -> np.ndarray:
    """The same of pairs, by their places [p] int, where it is the first that changed."""
    plain, found = centred(staying.squares), np.empty(len(ones), dtype=np.float32)
    for place, rows in pd.Series(ones).groupby(ones).indices.items():
        found[rows] = (views(changing.squares[place]) @ plain[others[rows]].T).max(axis=0)
    return found


def views(square: np.ndarray) -> np.ndarray:
    """What may become of a picture [SIDE, SIDE] uint8, [v, COMPARED * COMPARED] float32, centred."""
    beside = [weights(SIDE, MARGIN + shift, SIDE - 2 * MARGIN) for shift in (0, -OFF_CENTRE, OFF_CENTRE)]
    half = weights(SIDE // 2, 0, SIDE)
    upright = [square, 2 * half.T @ half @ square @ half.T @ half * 2]
    upright += [down @ square @ right.T for down, right in product(beside, beside)]
    return centred(np.array([*upright, *(each[:, ::-1] for each in upright)]))


def weights(count: int, start: float, length: float) -> np.ndarray:
    """Of SIDE pixels in `count` that take the place of `length` from `start` on, bilinear: [count, SIDE] float32."""
    reach = max(1, length / count)
    middles = start + (np.arange(count) + 0.5) * length / count
    near = np.maximum(0, 1 - np.abs(np.arange(SIDE) + 0.5 - middles[:, None]) / reach)
    return (near / near.sum(axis=1, keepdims=True)).astype(np.float32)


def centred(pictures: np.ndarray) -> np.ndarray:
    """Pictures [n, SIDE, SIDE] as [n, COMPARED * COMPARED] float32 with a mean of 0 and a length of 1, so that products
    are correlations; one of a single shade is all 0.
    """
    coarser = weights(COMPARED, 0, SIDE)
    flat = (coarser @ pictures.astype(np.float32) @ coarser.T).reshape(len(pictures), COMPARED * COMPARED)
    flat -= flat.mean(axis=1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1)
