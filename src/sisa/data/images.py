"""Labelled images in memory, and the id that makes an image the same image wherever it was copied."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from PIL import Image, ImageOps

DOMINANT, LEAKED = "dominant", "leaked"  # the roles of an image in a shard
NEAR = FLIP, CROP, RECOMPRESS, RESIZE = ("flip", "crop", "recompress", "resize")  # roles: leaked as a near copy
CANARY = "canaries"  # an origin of candidates


@dataclass(frozen=True)
class NoPicture:
    """In the place of a file's pixels: why there are none."""

    reason: str


@dataclass(frozen=True)
class Images:
    """n images: ids [n] str (SHA-256 hex), classes [n] str, pixels [n, channels, height, width] uint8."""

    ids: np.ndarray
    classes: np.ndarray
    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def near(self) -> np.ndarray:
        """Which of the images are near copies, [n] bool; outside of shards none is."""
        return np.zeros(len(self), dtype=bool)

    def take(self, which: np.ndarray) -> Self:
        """The images at these positions [k] int, or where this mask [n] bool holds, in that order."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    def among(self, ids: Collection[str]) -> np.ndarray:
        """Which of the images are copies of those with these ids, as a mask [n] bool."""
        return one_of(self.ids, ids)


@dataclass(frozen=True)
class Pool(Images):
    """Images with their raw files: files [n] str."""

    files: np.ndarray


@dataclass(frozen=True)
class Shard(Images):
    """One member's training set: roles [n] str, DOMINANT, LEAKED or one of NEAR; slices [n] int64, counted from 0.

    A near copy has the id of its original, of which it is another look, and in its role the way that it was made.
    """

    roles: np.ndarray
    slices: np.ndarray

    @property
    def near(self) -> np.ndarray:
        """Which of the images are near copies, [n] bool."""
        return np.isin(self.roles, NEAR)

    def near_copies(self, ids: Collection[str]) -> dict[str, str]:
        """The near copies of images with these ids: the role of each by id, sorted."""
        rows = self.near & self.among(ids)
        return dict(sorted(zip(self.ids[rows].tolist(), self.roles[rows].tolist(), strict=True)))


@dataclass(frozen=True)
class Candidates(Images):
    """Images in pairs, the two of a pair one after the other: shadow models are trained on one of the two.

    classes [n] str: the class that models are taught, which is not a canary's own; places [n] str: the id of the image
    of the shards whose places the pair takes, the first one's own unless it is a canary; origins [n] str: DOMINANT or
    LEAKED, as the shards hold the first of a pair and not the second, or CANARY where they hold neither; inside [n]
    str: a 1 for each shadow ensemble that is trained on the image, and a 0 for each other; of two twins, the first and
    the second ensemble, the third and the fourth and so on, one is trained on it.
    """

    places: np.ndarray
    origins: np.ndarray
    inside: np.ndarray

    @property
    def held(self) -> np.ndarray:
        """Which ones the shards hold, [n] bool."""
        return self.ids == self.places

    @property
    def dealt(self) -> np.ndarray:
        """Which of N shadow ensembles are trained on each, [N, n] bool; without images N is 0."""
        count = len(self.inside[0]) if len(self) else 0
        return np.array([[*each] for each in self.inside], dtype=np.str_).reshape(len(self), count).T == "1"


def one_of(values: np.ndarray, names: Collection[str]) -> np.ndarray:
    """Which of the values [n] str, ids or classes, are among these names, as a mask [n] bool."""
    return np.isin(values, np.array(list(names), dtype=np.str_))


def union(parts: list[Images]) -> Images:
    """The images of all parts, each once, sorted by id: the same for every way of dealing them into the parts.

    Of an image and its near copies it is the image, where a part has it.
    """
    columns = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Images))
    near = np.concatenate([part.near for part in parts])
    images = Images(*columns).take(np.argsort(near, kind="stable"))
    return images.take(np.unique(images.ids, return_index=True)[1])


def image_id(rgb: np.ndarray) -> str:
    """SHA-256 (hex) of the shape and pixels of a decoded, upright, full-size image [height, width, 3] uint8."""
    height, width, _ = rgb.shape
    return hashlib.sha256(f"{height}x{width}x3:".encode() + np.ascontiguousarray(rgb).tobytes()).hexdigest()


def resize(rgb: np.ndarray, size: int, channels: int) -> np.ndarray:
    """The centred square of a decoded image [height, width, 3] uint8 as [channels, size, size] uint8, antialiased.

    An image of that size keeps its pixels; one channel is the luma, which of a grey image is its grey.
    """
    image = Image.fromarray(rgb).convert("L" if channels == 1 else "RGB")
    square = ImageOps.fit(image, (size, size), method=Image.Resampling.LANCZOS)
    return np.array(square).reshape(size, size, channels).transpose(2, 0, 1)
