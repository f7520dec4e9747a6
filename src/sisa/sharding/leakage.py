"""Which image is in which shard: the leakage matrix, and membership as ranks on the roster."""

import hashlib
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from sisa.data.images import DOMINANT, LEAKED, NEAR

COPY, MIXED = "copy", "mixed"  # kinds of leakage, beside those of NEAR


@dataclass(frozen=True)
class Draw:
    """The ids of one class, in rank order: held out for the test set, and dominant in the class's own shard."""

    test: list[str]
    dominant: list[str]


@dataclass(frozen=True)
class Row:
    """One image's place in a shard; slices count from 0."""

    id: str
    class_: str
    role: str
    slice: int


def leakage_matrix(
    shards: list[str], dominant: int, leaked: int, restricted: list[str], reach: int | Literal["all"]
) -> np.ndarray:
    """Images of each class (column) in each shard (row), [S, S] int64, in the order of `shards`.

    Every class leaks `leaked` images into every other shard, but a restricted class only into the next
    `reach` shards; after the last shard comes the first.
    """
    count = len(shards)
    matrix = np.full((count, count), leaked, dtype=np.int64)
    if reach != "all":
        distance = (np.arange(count)[:, None] - np.arange(count)) % count  # of each shard from the class's own
        matrix[(distance > reach) & np.isin(shards, restricted)] = 0
    np.fill_diagonal(matrix, dominant)
    return matrix


def affordable(images: int, test: int, dominant: int, leaked: int) -> tuple[int, int, int]:
    """Test, dominant and leaked images for classes of at least so many images: those asked for, where they suffice.

    Else at most a quarter of a class is held out, the rest of it is dominant, and as large a share of that leaks.
    """
    if images >= test + dominant:
        return test, dominant, leaked
    held_out = test if 4 * test <= images else max(1, images // 5)
    return held_out, images - held_out, ceil(leaked * (images - held_out) / dominant)


def rank(ids: list[str], *purpose: str | int) -> list[str]:
    """The ids in an order that looks random, and differs by purpose, but depends on nothing else."""
    prefix = "/".join(map(str, purpose))
    return sorted(ids, key=lambda image: hashlib.sha256(f"{prefix}/{image}".encode()).digest())


def draw(ids: list[str], test: int, dominant: int, split_seed: int) -> Draw:
    """Draw one class's test set and dominant images from its ids in roster order.

    Only the first `test + dominant` rows take part, so that photos appended later move nothing. Raises
    ValueError with the number found when there are fewer.
    """
    need = test + dominant
    if len(ids) < need:
        raise ValueError(len(ids))
    ranked = rank(ids[:need], "membership", split_seed)
    return Draw(ranked[:test], ranked[test:])


def leaked_role(kind: str, place: int) -> str:
    """The role of the leaked image at this place, from 0, among those of its class; mixed: the near kinds in turn."""
    return {COPY: LEAKED, MIXED: NEAR[place % len(NEAR)]}.get(kind, kind)


def shard_rows(
    shard: str,
    shards: list[str],
    draws: dict[str, Draw],
    matrix: np.ndarray,
    slices: int,
    split_seed: int,
    kind: str = COPY,
) -> list[Row]:
    """The full membership of one shard, sorted by slice.

    Leaked copies are the first dominant images of their class, the same for every shard; `kind` says as what they
    leak. Slices are equal in size to within one image, and mix the classes at random (Bourtoule et al. 2021, section
    IV).
    """
    counts = dict(zip(shards, matrix[shards.index(shard)], strict=True))
    class_of = {image: name for name in shards for image in draws[name].dominant[: counts[name]]}
    role_of = {
        image: DOMINANT if name == shard else leaked_role(kind, place)
        for name in shards
        for place, image in enumerate(draws[name].dominant[: counts[name]])
    }
    return [
        Row(image, class_of[image], role_of[image], number)
        for image, number in sliced(list(class_of), shard, slices, split_seed)
    ]


def iid_rows(shard: str, shards: list[str], draws: dict[str, Draw], slices: int, split_seed: int) -> list[Row]:
    """The full membership of one shard where images are dealt at random: Bourtoule et al. 2021, section IV.

    The images are those that shards of the drawn classes hold, each in exactly one shard, in the role DOMINANT. Shards
    are equal in size to within one image, and so are the slices of each; rows are sorted by slice.
    """
    class_of = {image: name for name, each in draws.items() for image in each.dominant}
    ranked, number = rank(list(class_of), "shard", split_seed), shards.index(shard)
    own = [image for place, image in enumerate(ranked) if place * len(shards) // len(ranked) == number]
    return [Row(image, class_of[image], DOMINANT, part) for image, part in sliced(own, shard, slices, split_seed)]


def sliced(ids: list[str], shard: str, slices: int, split_seed: int) -> list[tuple[str, int]]:
    """The ids of one shard in random order, each with its slice."""
    ranked = rank(ids, "slice", split_seed, shard)
    return [(image, place * slices // len(ranked)) for place, image in enumerate(ranked)]
