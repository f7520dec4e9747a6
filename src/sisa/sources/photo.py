"""A photo, from the bytes of its file to the pixels that a viewer shows."""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from threading import Lock

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from sisa.base.params import Dataset, Folder
from sisa.data.images import NoPicture

FORMATS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP"]  # by content: names and extensions do not count
NAMES = "JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP"
FOREIGN = f"not a {NAMES} image"
DAMAGED = "cannot be decoded"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
STDERR = Lock()  # the process has one, which only one thread at a time may turn away
HEAD = 16  # bytes that tell a format
MEGAPIXELS = Folder(kind="folder").megapixels

UNCLEAR = {  # modes of Pillow without one way to show them
    "I": "32-bit or signed whole numbers, of which nothing says what is black and what is white",
    "F": "fractional numbers, of which nothing says what is black and what is white",
    "LAB": "colors in LAB, which are not converted here",
}
CLEAR_16 = "a transparent color among 16-bit ones, which cannot be told from its neighbors"
BITS_PER_SAMPLE, PHOTOMETRIC, WHITE_IS_ZERO = 258, 262, 0  # of TIFF


def limit(dataset: Dataset) -> int:
    """The most megapixels that a photo may have for this data set."""
    return dataset.source.megapixels if isinstance(dataset.source, Folder) else MEGAPIXELS


def is_photo(head: bytes) -> bool:
    """Whether a file that begins with these bytes [HEAD or more] claims to be in one of the formats."""
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"))
        or head.startswith(TIFF)
        or (head[:4], head[8:12]) == (b"RIFF", b"WEBP")
        or head[4:12] in (b"ftypavif", b"ftypavis")
        or (head[:2], head[6:10]) == (b"BM", bytes(4))
    )


def decode(content: bytes, megapixels: int = MEGAPIXELS) -> np.ndarray | NoPicture:
    """The upright pixels [height, width, 3] uint8 of a photo, or why there are none; of several, the first picture.

    What is transparent shows white. 16 bits become 8, as do 12 and 10. No memory is taken for more than `megapixels`.
    """
    Image.MAX_IMAGE_PIXELS = megapixels * 10**6  # decoders look at it before they take memory; it raises at twice that
    try:
        with quiet(content), Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if (pixels := image.width * image.height) > Image.MAX_IMAGE_PIXELS:
                return NoPicture(f"too large: {ceil(pixels / 10**6):,} megapixels, limit {megapixels:,}")
            if reason := unclear(image):
                return NoPicture(reason)
            return np.array(as_rgb(image))
    except UnidentifiedImageError:
        return NoPicture(DAMAGED if is_photo(content[:HEAD]) else FOREIGN)
    except Image.DecompressionBombError:
        return NoPicture(f"too large: over {2 * megapixels:,} megapixels, limit {megapixels:,}")
    except Exception:  # on damaged files Pillow raises OSError, SyntaxError, ValueError, struct.error and more
        return NoPicture(DAMAGED)


@contextmanager
def quiet(content: bytes) -> Iterator[None]:
    """Without what Pillow warns of, such as damaged EXIF data: it names no file, and changes no pixel or is an error.

    libtiff prints its errors by itself, and they are followed by one of Pillow's.
    """
    with warnings.catch_warnings(action="ignore"):
        if not content.startswith(TIFF):
            yield
            return
        with STDERR, Path(os.devnull).open("w") as nowhere:
            stderr = os.dup(2)
            os.dup2(nowhere.fileno(), 2)
            try:
                yield
            finally:
                os.dup2(stderr, 2)
                os.close(stderr)


def unclear(image: Image.Image) -> str:
    """Why there is no one way to show this image, if there is none."""
    if "transparency" in image.info and ";16" in f"{image.mode} {image.tile}":
        return CLEAR_16
    return UNCLEAR.get(image.mode, "")


def as_rgb(image: Image.Image) -> Image.Image:
    """Upright, in 8 bits, without transparency."""
    tags = dict(getattr(image, "tag_v2", {}))  # before the image is turned and loses them
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I;16"):
        return eight_bits(image, tags).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return image.convert("RGB")


def eight_bits(image: Image.Image, tags: dict) -> Image.Image:
    """Of 16 bits the upper 8, as Pillow takes them of 16-bit colors; a TIFF may hold 12 bits, or negatives."""
    levels = np.asarray(image).astype(np.uint16) >> (tags.get(BITS_PER_SAMPLE, (16,))[0] - 8)
    levels = 255 - levels if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO else levels
    return Image.fromarray(levels.astype(np.uint8))
