"""Near copies: what becomes of an image that is mirrored, cropped, compressed or resized on its way into another shard.

All in whole numbers, so that the bytes are equal on every machine with the pinned Pillow. Its resampling adds 8-bit
pixels by weights of 22 bits; the weights of the bilinear filter come of additions, multiplications and divisions alone.
Its JPEG codec is libjpeg-turbo with the accurate integer transform, which is the default both ways.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from sisa.data.images import CROP, FLIP, RECOMPRESS, RESIZE

KEPT = 0.9  # of each side, by a crop
QUALITY = 50  # of a JPEG


def flipped(image: Image.Image) -> Image.Image:
    return ImageOps.mirror(image)


def cropped(image: Image.Image) -> Image.Image:
    """The middle 90 % of each side, in whole pixels, at the size of before."""
    width, height = (int(side * KEPT) for side in image.size)
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height)).resize(image.size, Image.Resampling.BILINEAR)


def recompressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=QUALITY)
    return Image.open(file).copy()


def resized(image: Image.Image) -> Image.Image:
    """At half its size, and then at the size of before."""
    half = [max(1, side // 2) for side in image.size]
    return image.resize(half, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR)


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    FLIP: flipped,
    CROP: cropped,
    RECOMPRESS: recompressed,
    RESIZE: resized,
}


def variant(pixels: np.ndarray, role: str) -> np.ndarray:
    """An image [channels, height, width] uint8, grey or RGB, as it is in this role: itself unless a near copy."""
    if role not in VARIANTS:
        return pixels
    rows = pixels.transpose(1, 2, 0)
    image = Image.fromarray(rows[:, :, 0] if len(pixels) == 1 else rows)
    return np.array(VARIANTS[role](image)).reshape(rows.shape).transpose(2, 0, 1)


def in_roles(pixels: np.ndarray, roles: np.ndarray) -> np.ndarray:
    """Images [n, channels, height, width] uint8 as they are in these roles [n] str."""
    result = pixels.copy()
    for row in np.flatnonzero(np.isin(roles, [*VARIANTS])):
        result[row] = variant(pixels[row], str(roles[row]))
    return result
