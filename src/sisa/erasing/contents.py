"""What is in an object, told from its bytes alone: nothing is unpickled, and nothing is taken from its name."""

import io
import json
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sisa.common import tables
from sisa.common.images import Images, image_id
from sisa.common.params import Dataset
from sisa.learning.slicing import slice_digests
from sisa.raw import folder, wheel

PARQUET, GZIP = b"PAR1", b"\x1f\x8b"


@dataclass(frozen=True)
class Content:
    """kind: what an object is, in words; ids: those of the images in question that it holds or names.

    touched: digests of the slices of it that hold one, known: of all its slices; seen: digests of the slices that a
    checkpoint was trained on; files: MD5s that a folder's list names, by path.
    """

    kind: str
    ids: frozenset[str] = frozenset()
    touched: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()
    seen: tuple[str, ...] = ()
    files: dict[str, str] = field(default_factory=dict)


def judge(content: bytes, ids: Collection[str], datasets: Collection[Dataset] = ()) -> Content:
    """What is in these bytes. `datasets`: whose raw archives to know."""
    if content.startswith(PARQUET):
        return of_table(content, ids)
    if content.startswith(GZIP):
        return of_archive(content, ids, datasets)
    if header := checkpoint_header(content):
        return Content("checkpoint", seen=tuple(json.loads(header["seen"])["digests"]) if "seen" in header else ())
    if (listing := folder_list(content)) is not None:
        return Content("list of a folder", files=listing)
    if (rgb := folder.decode(content)) is not None:
        return Content("photo", frozenset({image_id(rgb)} & set(ids)))
    named = frozenset(image for image in ids if image.encode() in content)
    if content.startswith(b"slice,epoch,"):
        return Content("training log")
    return Content("record of ids" if named else "other", named)


def of_table(content: bytes, ids: Collection[str]) -> Content:
    try:
        table = pq.read_table(io.BytesIO(content))
    except pa.ArrowException:
        return Content("damaged table")
    if "id" not in table.column_names:
        return Content("other table")
    found = np.array(table["id"].to_pylist(), dtype=np.str_)
    held = frozenset(set(found.tolist()) & set(ids))
    if "pixels" not in table.column_names or "class" not in table.column_names:
        return Content("table", held)
    pixels = tables.to_pixels(table["pixels"], tables.dimensions(table.schema))
    images = Images(found, np.array(table["class"].to_pylist(), dtype=np.str_), pixels)
    slices = np.array(table["slice"].to_pylist() if "slice" in table.column_names else [0] * len(found), dtype=np.int64)
    digests = slice_digests(images, slices, int(slices.max(initial=-1)) + 1)
    touched = {digests[number] for number in set(slices[np.isin(found, list(held))].tolist())} if held else set()
    kind = "shard" if "slice" in table.column_names else "pool" if "file" in table.column_names else "set of images"
    return Content(kind, held, frozenset(touched), frozenset(digests))


def of_archive(content: bytes, ids: Collection[str], datasets: Collection[Dataset]) -> Content:
    """The images of a wheel, at the place and in the shape that its data set has them."""
    for dataset in datasets:
        if dataset.source.kind == "wheel":
            held = wheel.ids_in(content, dataset) & set(ids)
            if held:
                return Content("raw archive", frozenset(held))
    return Content("other archive")


def checkpoint_header(content: bytes) -> dict | None:
    """The metadata of a safetensors file; None for anything else."""
    length = int.from_bytes(content[:8], "little")
    try:
        return json.loads(content[8 : 8 + length])["__metadata__"] if 2 <= length <= len(content) - 8 else None
    except (ValueError, KeyError, TypeError):
        return None


def folder_list(content: bytes) -> dict[str, str] | None:
    """MD5s by path, of a folder as DVC lists it; None for anything else."""
    if not content.startswith(b"[{"):
        return None
    try:
        return {each["relpath"]: each["md5"] for each in json.loads(content)}
    except (ValueError, KeyError, TypeError):
        return None
