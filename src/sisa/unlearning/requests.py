"""The requests: the Git-tracked, append-only list of images that are to be forgotten.

A request names its data set, so that it is ignored under another, and an image: by its id, or by its raw file, which
stands for every picture that the roster ever listed under that name.
"""

import csv
from collections.abc import Collection, Iterator
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

import pandas as pd

from sisa.base.errors import BadInput
from sisa.base.files import append_csv, csv_line, csv_rows
from sisa.sources import roster


@dataclass(frozen=True)
class Request:
    """One row of the file; date is ISO 8601."""

    dataset: str
    image: str
    date: str
    reason: str


@dataclass(frozen=True)
class Named:
    """A requested image: the row, what is written there, its id, and whether it was erased for good, which suffices."""

    row: int
    image: str
    id: str
    erased: bool = False


COLUMNS = [field.name for field in fields(Request)]


def read(path: Path) -> list[Request]:
    """Raises BadInput when the file is missing, cut off or not ours."""
    try:
        return parse(path.read_bytes().decode())
    except FileNotFoundError as error:
        raise BadInput(f"{path}: there is no such file; restore it: git checkout {path}") from error
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(f"{path}: not a list of requests ({error}); mend it by hand, no request may get lost") from error


def parse(text: str) -> list[Request]:
    """Raises ValueError or csv.Error unless `text` is a whole request file."""
    requests = [Request(*row) for row in csv_rows(text, COLUMNS, "a data set, an image, a date and a reason")]
    for number, request in enumerate(requests, start=2):
        try:
            date.fromisoformat(request.date)
        except ValueError:
            raise ValueError(f"row {number} has the date {request.date!r}; write it as 2026-01-31") from None
    return requests


def append(path: Path, requests: list[Request]) -> None:
    """Add requests at the end. Raises BadInput, and adds none, where one could not be read back."""
    rows = [list(astuple(request)) for request in requests]
    try:
        parse("".join(map(csv_line, [COLUMNS, *rows])).encode().decode())
    except ValueError as error:
        raise BadInput(f"this cannot be requested: {error}; write text in every field") from error
    append_csv(path, COLUMNS, rows)


def resolve(path: Path, dataset: str, datasets: Collection[str], listed: pd.DataFrame) -> list[Named]:
    """The images that the requests in the file `path` name for this data set, in order.

    listed: the roster. Raises BadInput like `read`, for an image that it never held, and for an unknown data set.
    """
    known, erased, named = roster.pictures(listed), roster.erased_ids(listed), []
    for row, request in enumerate(read(path), start=2):
        if request.dataset not in datasets:
            names = ", ".join(datasets)
            raise BadInput(f"{path}, row {row}: unknown data set {request.dataset!r}; write one of {names}")
        if request.dataset == dataset:
            if request.image not in known:
                raise BadInput(f"{path}, row {row}: {roster.unknown(request.image, dataset)}")
            named += [Named(row, request.image, image, image in erased) for image in known[request.image]]
    return named


def due(named: list[Named]) -> list[str]:
    """The ids still to be forgotten, sorted: an image that was erased for good is in no shard."""
    return sorted({each.id for each in named if not each.erased})


def notices(path: Path, named: list[Named], copies: set[str], left: set[str], held_out: set[str]) -> Iterator[str]:
    """One line for each named image that changes nothing, and why.

    copies: the ids in any shard; left: those still in one after the class request; held_out: those of the test set.
    """
    seen: set[str] = set()
    for each in named:
        reasons = {
            "it was requested before": each.id in seen,
            "it was erased for good": each.erased,
            "it is held out in the test set and in no shard": each.id in held_out,
            "it is in no shard: not drawn for one, of a class that is not selected, or a hole": each.id not in copies,
            "it is already forgotten with its class": each.id not in left,
        }
        seen.add(each.id)
        if reason := next((reason for reason, holds in reasons.items() if holds), None):
            yield f"notice: {path}, row {each.row}, {each.image}: {reason}; nothing changes"
