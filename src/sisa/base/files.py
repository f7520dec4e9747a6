"""Files go into place by rename: with hard links, writing into an existing file would write into DVC's cache."""

import csv
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from sisa.base.errors import BadInput

Content = TypeVar("Content")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A new file to write next to `path`; it takes the place of `path` at the end, or vanishes on an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    with beside(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")


def read_json(path: Path, kind: type[Content]) -> Content:
    """The content of a JSON file as this dataclass, or as `dict`. Raises BadInput when it is missing or not that."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except (OSError, ValidationError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "not ours, or damaged"
        raise BadInput(f"{path}: {reason}; bring it back with `dvc checkout --force {path}` or `dvc repro`") from error


def write_csv(path: Path, table: list[tuple]) -> None:
    """Write the header and the rows below it."""
    with beside(path) as part:
        part.write_text("".join(csv_line([str(value) for value in row]) for row in table))


def csv_rows(text: str, columns: list[str], row_is: str) -> list[list[str]]:
    """The rows below the header of a CSV text, every field filled in.

    Raises ValueError, saying what `row_is`, or csv.Error unless `text` is such a table to its end.
    """
    header, *rows = [*csv.reader(io.StringIO(text, newline=""), strict=True)] or [[]]
    if header != columns:
        raise ValueError(f"the first line is not {','.join(columns)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns) or not all(row):
            raise ValueError(f"row {number} is not {row_is}")
    if not text.endswith("\n"):
        raise ValueError("the last line is cut off")
    return rows


def append_csv(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    """Add rows at the end of the CSV file, which may not exist yet; the lines that it has keep their bytes."""
    lines = path.read_bytes() if path.exists() else csv_line(columns).encode()
    with beside(path) as part:
        part.write_bytes(lines + "".join(map(csv_line, rows)).encode())


def csv_line(values: list[str]) -> str:
    """One line of CSV. pandas and csv would leave a carriage return in a file name unquoted."""
    quoted = ('"{}"'.format(value.replace('"', '""')) if set(value) & set('",\r\n') else value for value in values)
    return ",".join(quoted) + "\n"
