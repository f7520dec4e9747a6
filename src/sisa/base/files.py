"""Files go into place by rename: with hard links, writing into an existing file would write into DVC's cache."""

import csv
import fcntl
import io
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from sisa.base.errors import BadInput

Content = TypeVar("Content")
DECIMALS = 6


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


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other process is in such a block of this folder, and keep the others out."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def rounded(value):
    """Numbers of metrics and plots, at any depth, to DECIMALS: after the 12th, the sums behind them differ from one
    processor to the next."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(each) for each in value]
    return round(value, DECIMALS) + 0.0 if isinstance(value, float) else value  # not -0.0


def write_json(path: Path, content: dict) -> None:
    """Numbers are rounded."""
    with beside(path) as part:
        part.write_text(json.dumps(rounded(content), indent=1) + "\n")


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


def csv_text(path: Path) -> str:
    """The content of a CSV file, without the mark that spreadsheets put before UTF-8. Raises OSError or ValueError."""
    return path.read_bytes().decode("utf-8-sig")


def csv_rows(text: str, columns: list[str], row_is: str) -> dict[int, list[str]]:
    """The rows below the header of a CSV text, every field filled in, by the line, from 1, on which each begins; blank
    rows at its end are none.

    Raises ValueError, saying what `row_is`, or csv.Error unless `text` is such a table to its end.
    """
    reader = csv.reader(io.StringIO(without_blank_end(text), newline=""), strict=True)
    if next(reader, []) != columns:
        raise ValueError(f"the first line is not {','.join(columns)}")
    rows, begin = {}, reader.line_num + 1
    for row in reader:
        if len(row) != len(columns) or not all(row):
            raise ValueError(f"line {begin} is not {row_is}")
        rows[begin], begin = row, reader.line_num + 1  # a field in quotes may go on for several lines
    if not text.endswith(("\n", "\r")):
        raise ValueError("the last line is cut off, or lacks its line end")
    return rows


def without_blank_end(text: str) -> str:
    """A CSV text less the lines of nothing but commas that spreadsheets leave at its end."""
    body = text.rstrip(",\r\n")
    return body + re.match(r",*(\r\n|\r|\n)?", text[len(body) :]).group()


def append_csv(path: Path, columns: list[str], rows: list[list[str]]) -> None:
    """Add rows at the end of the CSV file, which may not exist yet, with its line ends.

    The rows that it has keep their bytes. Raises BadInput where the file is write-protected, and ValueError where it is
    no text.
    """
    check_writable(path)
    text = without_blank_end(path.read_bytes().decode()) if path.exists() else csv_line(columns)
    end = "\r\n" if text.endswith("\r\n") else "\n"
    with beside(path) as part:
        part.write_bytes((text + "".join(f"{csv_line(row)[:-1]}{end}" for row in rows)).encode())


def check_regular(path: Path) -> None:
    """Raises BadInput for what is there and is no file: whoever reads a pipe or a device may wait for ever."""
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe, socket or device"
        raise BadInput(f"{path}: {kind}, where a file is wanted; name a file")


def check_writable(path: Path) -> None:
    """Raises BadInput for a file that this user may not write, or that nobody may: root could, and a rename would."""
    if path.exists() and not (os.access(path, os.W_OK) and path.stat().st_mode & 0o222):
        raise BadInput(f"{path}: write-protected; if it is to be changed, allow it: chmod u+w {path}")


def csv_line(values: list[str]) -> str:
    """One line of CSV. pandas and csv would leave a carriage return in a file name unquoted."""
    quoted = ('"{}"'.format(value.replace('"', '""')) if set(value) & set('",\r\n') else value for value in values)
    return ",".join(quoted) + "\n"
