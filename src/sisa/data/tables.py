"""The file format of the pool, the shards and the test set: Parquet, with one explicit schema a kind.

The same images give the same bytes in every process, so that DVC re-executes what follows only when they differ.
"""

from dataclasses import fields
from math import prod
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sisa.base.errors import BadInput
from sisa.base.files import beside
from sisa.data.images import Images, Shard

Kind = TypeVar("Kind", bound=Images)

COLUMNS = {"ids": "id", "classes": "class", "files": "file", "roles": "role", "slices": "slice"}
COLUMNS |= {"places": "place", "origins": "origin", "inside": "inside", "pixels": "pixels"}
DIMENSIONS = ("channels", "height", "width")


def write(path: Path, images: Images) -> None:
    """Write images of any kind, possibly none, as the table at `path`."""
    layout = schema(type(images), images.pixels.shape[1:])
    columns = [to_arrow(getattr(images, name), layout.field(COLUMNS[name]).type) for name in stored(type(images))]
    with beside(path) as part:
        pq.write_table(
            pa.Table.from_arrays(columns, schema=layout),
            part,
            compression="zstd",
            use_dictionary=[name for name in ("class", "role", "slice") if name in layout.names],
            write_statistics=False,
            write_page_checksum=True,
        )


def read(path: Path, kind: type[Kind]) -> Kind:
    """The images of this kind at `path`.

    Raises BadInput when there is no such file, or when it is truncated, damaged or of another kind.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            shape = dimensions(file.schema_arrow)
            if not file.schema_arrow.equals(schema(kind, shape)):
                raise ValueError(f"its columns are {', '.join(file.schema_arrow.names)}")
            table = file.read()
        text = {name: to_numpy(table[COLUMNS[name]]) for name in stored(kind) if name != "pixels"}
        return kind(**text, pixels=to_pixels(table["pixels"], shape))
    except (OSError, ValueError, pa.ArrowException) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"not a table of ours, or damaged: {error}"
        way_back = f"bring it back with `dvc checkout --force {path}` or `dvc repro`"
        raise BadInput(f"{path}: {' '.join(reason.split())}; {way_back}") from error


def read_shards(folder: Path, names: list[str]) -> dict[str, Shard]:
    """The shards, or their retain sets, in a folder. Raises BadInput like `read`."""
    return {name: read(folder / f"{name}.parquet", Shard) for name in names}


def schema(kind: type[Images], shape: tuple[int, ...]) -> pa.Schema:
    """The columns of a kind of images; `shape`, the channels, height and width of each, is the metadata."""
    types = dict.fromkeys(COLUMNS, pa.string()) | {"slices": pa.int64(), "pixels": pa.binary(prod(shape))}
    columns = [pa.field(COLUMNS[name], types[name], nullable=False) for name in stored(kind)]
    return pa.schema(columns, {name: str(size) for name, size in zip(DIMENSIONS, shape, strict=True)})


def stored(kind: type[Images]) -> list[str]:
    """The attributes of a kind of images in the order of their columns."""
    return [name for name in COLUMNS if name in {field.name for field in fields(kind)}]


def dimensions(layout: pa.Schema) -> tuple[int, ...]:
    metadata = layout.metadata or {}
    if any(name.encode() not in metadata for name in DIMENSIONS):
        raise ValueError("it does not say how large its images are")
    return tuple(int(metadata[name.encode()]) for name in DIMENSIONS)


def to_arrow(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_fixed_size_binary(kind):
        pixels = pa.py_buffer(np.ascontiguousarray(values))
        return pa.FixedSizeBinaryArray.from_buffers(kind, len(values), [None, pixels])
    return pa.array(values.tolist(), kind)


def to_numpy(column: pa.ChunkedArray) -> np.ndarray:
    """[n] str or int64."""
    return np.array(column.to_pylist(), dtype=np.int64 if pa.types.is_integer(column.type) else np.str_)


def to_pixels(column: pa.ChunkedArray, shape: tuple[int, ...]) -> np.ndarray:
    """[n, *shape] uint8, writable, as torch wants its arrays."""
    size = prod(shape)
    parts = [np.frombuffer(each.buffers()[1], np.uint8, len(each) * size, each.offset * size) for each in column.chunks]
    return np.concatenate([np.empty(0, np.uint8), *parts]).reshape(-1, *shape)
