"""A search of its own for the pixels of images, in every byte that is stored, packed or not; knows no code of ours."""

import gzip
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps


def needles(photos: Iterable[Path], size: int) -> list[bytes]:
    """The pixels of photos as they may lie in a file: full size and `size` squared, in colour, grey and by channel."""
    found = []
    for photo in photos:
        full = Image.open(photo).convert("RGB")
        for image in (full, ImageOps.fit(full, (size, size), method=Image.Resampling.LANCZOS)):
            found += [np.array(image).tobytes(), np.array(image.convert("L")).tobytes()]
            found.append(np.array(image).transpose(2, 0, 1).tobytes())
        grey = ImageOps.fit(full.convert("L"), (size, size), method=Image.Resampling.LANCZOS)
        found.append(np.array(grey).tobytes())
    return found


def holders(contents: Iterable[tuple[str, bytes]], wanted: list[bytes]) -> list[str]:
    """The names of those contents in which one of the wanted pieces lies."""
    return sorted(name for name, content in contents if any(each in form for form in forms(content) for each in wanted))


def forms(content: bytes) -> Iterator[bytes]:
    """The bytes as they are, and unpacked in every way that fits them."""
    yield content
    if content[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError):
            yield from forms(gzip.decompress(content))
    with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield from forms(archive.read(name))
    with suppress(pa.ArrowException):
        for column in pq.read_table(pa.BufferReader(content)).columns:
            yield from (buffer.to_pybytes() for chunk in column.chunks for buffer in chunk.buffers() if buffer)
    with suppress(OSError, ValueError, SyntaxError):
        image = Image.open(io.BytesIO(content))
        yield from (np.array(image.convert(mode)).tobytes() for mode in ("RGB", "L"))


def in_folders(*folders: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below these folders, hidden ones included."""
    for folder in folders:
        yield from ((str(path), path.read_bytes()) for path in folder.rglob("*") if path.is_file())
