"""What lies in a file, told by its bytes alone: its name, its place and what any lock says of it do not count."""

import csv
import gzip
import io
import json
import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sisa.data import tables
from sisa.data.images import Images, NoPicture, image_id
from sisa.erasure.lineage import Run
from sisa.erasure.stores import Blob, Reading, Store
from sisa.inference.shadows import FOLDER
from sisa.repository import lock
from sisa.sources import photo
from sisa.training.checkpoints import LOG_COLUMNS
from sisa.training.slicing import slice_digests

LONGEST_HEADER = 1 << 40  # of a checkpoint; eight letters, read as a number, are more
NEVER_OPENED = (b"PK\x03\x04", *(bytes([0x80, protocol]) for protocol in range(2, 6)))  # archives and pickles
HEAD = 1 << 16  # bytes of a first look: most files whole, of the others the magic number and a checkpoint's header

TABLE, PHOTO, ARRAY = "table of images", "photo", "raw array"
CHECKPOINT, LOG = "checkpoint", "training log"
ANSWERS, SHADOWS = "answers of models", "answers of shadow models"
LISTING, RUN, FORGOTTEN = "directory listing", "run-cache entry", "list of forgotten ids"
UNREADABLE, OTHER = "unreadable", "other"
TRAINED = {CHECKPOINT, LOG, SHADOWS}
SHADOW_COLUMNS = ["id", "held", "shadow", "inside", "log_odds"]  # of the CSV files that shadow models once answered in


@dataclass(frozen=True)
class ArrayFormat:
    """Where a wheel's raw array has its grey images: behind `offset` bytes, each of shape [height, width]."""

    offset: int
    shape: tuple[int, int]


@dataclass(frozen=True)
class Formats:
    """How the data sets keep images. arrays: of wheels; megapixels: of the largest photo that any of them takes."""

    arrays: frozenset[ArrayFormat] = frozenset()
    megapixels: int = photo.MEGAPIXELS


@dataclass(frozen=True)
class Content:
    """What a file turned out to be. Only what its kind has is filled in.

    ids: those of the wanted images that lie in it; digests: of the slices that a checkpoint saw; files: hash by path
    of a listing; run: of a run-cache entry; sliced: the digests of the slices of a table, and which of the wanted ids
    each holds; listed: all ids in a list of forgotten ids.
    """

    kind: str
    ids: frozenset[str] = frozenset()
    digests: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)
    run: Run | None = None
    sliced: dict[str, frozenset[str]] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()


def inspect(store: Store, blob: Blob, wanted: Collection[str], formats: Formats) -> Content:
    """Look into a file, reading no more of it than its kind needs. Raises Unreachable when the store fails."""
    wanted = frozenset(wanted)
    head = store.read(blob.key, 0, HEAD) if blob.size > HEAD else store.read(blob.key)
    file = Reading(store, blob, head)
    try:
        if head[:4] == b"PAR1":
            return parquet(file, wanted)
        if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < LONGEST_HEADER:
            return Content(CHECKPOINT, digests=seen_digests(file))
        if head[:2] == b"\x1f\x8b":
            return Content(
                ARRAY, wanted & {each for layout in formats.arrays for each in array_ids(whole(file), layout)}
            )
        if photo.is_photo(head):
            pixels = photo.decode(whole(file), formats.megapixels)
            return Content(UNREADABLE) if isinstance(pixels, NoPicture) else Content(PHOTO, wanted & {image_id(pixels)})
        if head.startswith(NEVER_OPENED):
            return Content(UNREADABLE)
        return textual(b"" if b"\0" in head else whole(file), blob.key, wanted)
    except (ValueError, KeyError, TypeError, OSError, EOFError, struct.error, zlib.error, pa.ArrowException):
        return Content(UNREADABLE)


def with_slices(store: Store, blob: Blob, content: Content) -> Content:
    """A table with the digests of its slices, for which all of it is read; one without a slice column is one slice.

    Other tables than ours, and damaged ones, have none.
    """
    try:
        table = pq.read_table(pa.BufferReader(store.read(blob.key)), page_checksum_verification=True)
    except (OSError, pa.ArrowException):
        return content
    if not {"id", "class", "pixels"} <= set(table.column_names):
        return content
    shape = tables.dimensions(table.schema)
    text = (tables.to_numpy(table[name]) for name in ("id", "class"))
    images = Images(*text, tables.to_pixels(table["pixels"], shape))
    slices = tables.to_numpy(table["slice"]) if "slice" in table.column_names else np.zeros(len(images), np.int64)
    # One more than there are: a slice without any image has a digest as well.
    digests = slice_digests(images, slices, int(slices.max(initial=-1)) + 2)
    in_slice = (content.ids & set(images.ids[slices == number].tolist()) for number in range(len(digests)))
    return replace(content, sliced=dict(zip(digests, in_slice, strict=True)))


def whole(file: Reading) -> bytes:
    file.seek(0)
    return file.read()


def parquet(file: Reading, wanted: frozenset[str]) -> Content:
    """A table of images, or of what models answered about them: it names images as well, but has no pixels, and so no
    slices, and nothing was trained on it. Candidates name the images in whose place others are trained on."""
    table = pq.ParquetFile(pa.PythonFile(file, mode="r"))
    names = table.schema_arrow.names
    naming = table.read(columns=[name for name in ("id", "place") if name in names])
    ids = {image for column in naming.columns for image in column.to_pylist()}
    of_shadows = any(name.startswith(f"{FOLDER}/") for name in names)
    kind = TABLE if "pixels" in names else SHADOWS if of_shadows else ANSWERS if ids else OTHER
    return Content(kind, wanted & ids)


def seen_digests(file: Reading) -> tuple[str, ...]:
    """From the header of a safetensors file. Raises ValueError and more where it is none, or cut off."""
    file.seek(0)
    (length,) = struct.unpack("<Q", file.read(8))
    if length > file.size:
        raise ValueError("cut off")
    header = json.loads(file.read(length))
    end = max((each["data_offsets"][1] for name, each in header.items() if name != "__metadata__"), default=0)
    if 8 + length + end != file.size:
        raise ValueError("cut off")
    return tuple(json.loads(header["__metadata__"]["seen"])["digests"])


def array_ids(zipped: bytes, layout: ArrayFormat) -> set[str]:
    """The ids of the grey images in a raw array, as sources.wheel has them; the pickle around them is never opened."""
    content, size = gzip.decompress(zipped), prod(layout.shape)
    count = max(0, len(content) - layout.offset) // size
    if not count:
        return set()
    images = np.frombuffer(content, np.uint8, count * size, layout.offset).reshape(-1, *layout.shape)
    return {image_id(np.repeat(image[:, :, None], 3, axis=2)) for image in images}


def textual(text: bytes, key: str, wanted: frozenset[str]) -> Content:
    """Listings, run-cache entries, logs and tables of ids. Raises ValueError where a text breaks off."""
    if key.startswith("runs/"):
        return Content(RUN, run=Run.of(lock.load(text)))
    if text[:1] == b"[" and b'"relpath"' in text[:HEAD]:
        return Content(LISTING, files={each["relpath"]: each["md5"] for each in json.loads(text)})
    if text[:1] == b"{" and b'"removed"' in text and b'"scope"' in text:
        removed = json.loads(text)["removed"]
        return Content(FORGOTTEN, listed=frozenset(each for ids in removed.values() for each in ids))
    first = text.split(b"\n", 1)[0].decode(errors="replace").strip().split(",")
    if first == list(LOG_COLUMNS):
        return Content(LOG)
    if first == SHADOW_COLUMNS:
        rows = csv.reader(io.StringIO(text.decode()))
        return Content(SHADOWS, wanted & {row[0] for row in rows if row})
    return Content(OTHER)
