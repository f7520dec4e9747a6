"""The requests: the Git-tracked, append-only list of images that are to be forgotten.

A request names its data set, so that it is ignored under another, and an image: by its id, or by its raw file, which
stands for every picture that the roster ever listed under that name.
"""

import csv
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from datetime import date
from pathlib import Path

import pandas as pd

from sisa.base.errors import BadInput
from sisa.base.files import append_csv, csv_line, csv_rows, csv_text
from sisa.base.text import counted
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
    """A requested image: line, what is written there, id, and whether it was erased for good, which suffices."""

    line: int
    image: str
    id: str
    erased: bool = False


COLUMNS = [field.name for field in fields(Request)]
FORMULA = ("=", "+", "-", "@")  # a spreadsheet runs text that begins so (OWASP, CSV injection)


def read(path: Path) -> list[Request]:
    """Raises BadInput when the file is missing, cut off or not ours."""
    return [*read_by_line(path).values()]


def read_by_line(path: Path) -> dict[int, Request]:
    """By the line, from 1, on which each begins. Raises BadInput like `read`."""
    try:
        return parse(csv_text(path))
    except FileNotFoundError as error:
        raise BadInput(f"{path}: there is no such file; restore it: git checkout {path}") from error
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(f"{path}: not a list of requests ({error}); mend it by hand, no request may get lost") from error


def parse(text: str) -> dict[int, Request]:
    """By the line on which each begins. Raises ValueError or csv.Error unless `text` is a whole request file."""
    rows = csv_rows(text, COLUMNS, "a data set, an image, a date and a reason")
    requests = {line: Request(*row) for line, row in rows.items()}
    for line, request in requests.items():
        if not is_date(request.date):
            raise ValueError(f"line {line} has the date {request.date!r}; write it as 2026-01-31")
    return requests


def is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def made(rows: Iterable[tuple[str, ...]], dataset: str, listed: pd.DataFrame) -> set[Request]:
    """Those rows of some version of the file that are requests; listed: the roster of this data set.

    What `read` or `resolve` refuse never was one, so that a mistake may be mended after it was committed.
    """
    known = roster.pictures(listed)
    whole = (Request(*row) for row in rows if len(row) == len(COLUMNS) and all(row) and is_date(row[2]))
    return {each for each in whole if each.dataset != dataset or each.image in known}


def append(path: Path, requests: list[Request]) -> None:
    """Add requests at the end. Raises BadInput, and adds none, where one has no fit reason or could not be read back,
    or the file is write-protected.
    """
    rows = [list(astuple(request)) for request in requests]
    for reason in {request.reason for request in requests}:
        check_reason(reason)
    try:
        parse("".join(map(csv_line, [COLUMNS, *rows])).encode().decode())
    except (ValueError, csv.Error) as error:
        raise BadInput(f"this cannot be requested: {error}; write text in every field") from error
    append_csv(path, COLUMNS, rows)


def check_reason(reason: str) -> None:
    """Raises BadInput for a reason that says nothing, that steers terminals, or that a spreadsheet would run."""
    if not reason.strip():
        raise BadInput("the reason is blank; say why, for instance with a case number")
    if controls := sorted({each for each in reason if unicodedata.category(each) in {"Cc", "Cf"}}):
        raise BadInput(f"the reason holds the control character {controls[0]!r}; write it in one line of plain text")
    if (first := unicodedata.normalize("NFKC", reason.strip())[0]) in FORMULA:
        raise BadInput(
            f"the reason begins with {first}, and a spreadsheet that opens the file would run it as a formula; "
            "begin it with a letter or a number"
        )


def resolve(path: Path, dataset: str, datasets: Collection[str], listed: pd.DataFrame) -> list[Named]:
    """The images that the requests in the file `path` name for this data set, in order.

    listed: the roster. Raises BadInput like `read`, for an image that it never held, and for an unknown data set.
    """
    known, erased, named = roster.pictures(listed), roster.erased_ids(listed), []
    for line, request in read_by_line(path).items():
        if request.dataset not in datasets:
            names = ", ".join(datasets)
            raise BadInput(f"{path}, line {line}: unknown data set {request.dataset!r}; write one of {names}")
        if request.dataset == dataset:
            if request.image not in known:
                raise BadInput(f"{path}, line {line}: {roster.unknown(request.image, dataset)}")
            named += [Named(line, request.image, image, image in erased) for image in known[request.image]]
    return named


def due(named: list[Named]) -> list[str]:
    """The ids still to be forgotten, sorted: an image that was erased for good is in no shard."""
    return sorted({each.id for each in named if not each.erased})


def notices(path: Path, named: list[Named], copies: set[str], left: set[str], held_out: set[str]) -> Iterator[str]:
    """One line for each reason why named images change nothing: how many there are, and the first few with their lines.

    copies: the ids in any shard; left: those of which a shard still holds a copy; held_out: those of the test set.
    """
    seen: set[str] = set()
    idle = defaultdict(list)
    for each in named:
        reasons = {
            "requested before": each.id in seen,
            "erased for good": each.erased,
            "held out in the test set and in no shard": each.id in held_out,
            "in no shard: not drawn for one, of a class that is not selected, or a hole": each.id not in copies,
            "already forgotten": each.id not in left,
        }
        seen.add(each.id)
        if reason := next((reason for reason, holds in reasons.items() if holds), None):
            idle[reason].append(f"line {each.line}, {each.image}")
    for reason, rows in idle.items():
        yield counted(f"notice: {path}: changes nothing, {reason}", rows)
