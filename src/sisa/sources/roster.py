"""The roster: the Git-tracked, append-only list of images as they were brought in.

A DataFrame with the str columns file (raw file), id, class and erased. A row is identified by (file, id): a photo that
was changed in place is another image, and a renamed photo has a row for each of its names. The rows of a picture agree
in all else, and its first one gives it its place. `erased` is the date (ISO 8601) on which it was erased for good, a
hole for ever, or KEPT. In the file it is a row more, `file,id,erased DATE`, so that an erase changes no line that is
there.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.files import append_csv, beside, csv_rows, csv_text
from sisa.data.images import NoPicture
from sisa.sources.report import DUPLICATE, ERASED, TWO_CLASSES, LeftOut, Report

LISTED = ["file", "id", "class"]
COLUMNS = [*LISTED, "erased"]
KEPT = "-"
ID = re.compile("[0-9a-f]{64}")
DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
MARK = re.compile(f"erased ({DATE.pattern})")  # in the place of a class, whose name has no space


def blank() -> pd.DataFrame:
    """A roster without rows."""
    return pd.DataFrame(columns=COLUMNS, dtype=str)


def images(roster: pd.DataFrame) -> pd.DataFrame:
    """One row a picture, under the name that it came in with."""
    return roster.drop_duplicates("id")


def append(roster: pd.DataFrame, found: Iterable[tuple[str, str, str | NoPicture]]) -> tuple[pd.DataFrame, Report]:
    """The roster with the new images and names among `found` at its end, and what became of each.

    found: (file, class, id), in file order, or NoPicture in the place of the id. Left out are files without a picture,
    further copies of a picture within its class, and both of two equal pictures in different classes, except that
    what is on the roster stays there. A picture of which no file has a name on the roster was renamed. New rows are
    sorted by id, so that the first ones are a random sample, whatever the files are called.
    """
    found = list(found)
    rows = set(zip(roster["file"], roster["id"], strict=True))
    listed = {image: (file, name) for file, image, name in roster[LISTED].itertuples(index=False)}
    erased, classes_of = erased_ids(roster), defaultdict(set, {image: {name} for image, (_, name) in listed.items()})
    for _, name, image in found:
        classes_of[image].add(name)
    kept = {image: file for file, _, image in reversed(found) if (file, image) in rows}  # the file that stands for it
    report, new = Report(), []
    for file, name, image in found:
        if isinstance(image, NoPicture):
            report.left_out.append(LeftOut(file, image.reason))
        elif kept.get(image) == file:
            report.present.append(file)
        elif others := classes_of[image] - {name}:
            report.left_out.append(LeftOut(file, TWO_CLASSES, f"also {', '.join(sorted(others))}"))
        elif image in kept:
            report.left_out.append(LeftOut(file, DUPLICATE, f"as {kept[image]}"))
        elif image in erased:
            report.left_out.append(LeftOut(file, ERASED))
        else:
            kept[image] = file
            new.append((file, image, name, KEPT))
            if image in listed:
                report.renamed.append(f"{file} (was {listed[image][0]})")
            else:
                report.added.append(file)
    added = pd.DataFrame(sorted(new, key=lambda row: row[1]), columns=COLUMNS, dtype=str)
    return pd.concat([roster, added], ignore_index=True), report


def read(path: Path) -> pd.DataFrame:
    """Raises BadInput when there is no roster at `path`, or none of ours, or a part of one."""
    try:
        return parse(csv_text(path))
    except (OSError, ValueError, csv.Error) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else error
        way_back = f"restore it with `git checkout {path}` or write it: make data DATASET={path.stem}"
        raise BadInput(f"{path}: not a roster of images ({reason}); {way_back}") from error


def parse(text: str) -> pd.DataFrame:
    """Raises ValueError or csv.Error unless `text` is a whole roster; one of before has a fourth column, the date."""
    columns = COLUMNS if text.startswith(",".join(COLUMNS)) else LISTED
    row_is = "a file, an id and a class" + (f", and a date or {KEPT}" if columns == COLUMNS else "")
    listed, classes, dates = {}, {}, {}
    for line, (file, image, name, *fourth) in csv_rows(text, columns, row_is).items():
        marked = MARK.fullmatch(name)
        erased = marked[1] if marked else "".join(fourth) or KEPT
        if not ID.fullmatch(image) or not (erased == KEPT or DATE.fullmatch(erased)):
            raise ValueError(f"line {line} is not {row_is}")
        if marked and image not in classes:
            raise ValueError(f"line {line} marks an image as erased that is on no row before")
        if not marked and ((file, image) in listed or classes.setdefault(image, name) != name):
            raise ValueError(f"id {image} appears more than once under a name, or with two classes")
        if not marked:
            listed[file, image] = name
        if erased != KEPT:
            dates.setdefault(image, erased)
    rows = [(file, image, name, dates.get(image, KEPT)) for (file, image), name in listed.items()]
    return pd.DataFrame(rows, columns=COLUMNS, dtype=str)


def write(path: Path, roster: pd.DataFrame) -> None:
    """Add the rows that the file lacks, and one for each picture that was marked as erased since.

    The lines that it has keep their bytes, unless it has the fourth column of before: then it is written anew.
    """
    grows = path.exists() and not path.read_text(encoding="utf-8").startswith(",".join(COLUMNS))
    known = read(path) if grows else blank()
    rows = roster[LISTED][len(known) :].to_numpy().tolist()
    new = images(roster[roster["id"].isin(erased_ids(roster) - erased_ids(known))])
    marks = [[file, image, f"erased {date}"] for file, image, _, date in new[COLUMNS].itertuples(index=False)]
    if grows:
        append_csv(path, LISTED, rows + marks)
    else:
        with beside(path) as part:
            append_csv(part, LISTED, rows + marks)


def marked(rows: Iterable[tuple[str, ...]]) -> set[str]:
    """The pictures that these rows of a roster's file, of any version, mark as erased for good."""
    whole = [row for row in rows if len(row) in (len(LISTED), len(COLUMNS))]
    return {row[1] for row in whole if MARK.fullmatch(row[2]) or DATE.fullmatch(row[-1])}


def erased_ids(roster: pd.DataFrame) -> set[str]:
    """The pictures that were erased for good."""
    return set(roster.loc[roster["erased"] != KEPT, "id"])


def mark(roster: pd.DataFrame, ids: Collection[str], date: str) -> pd.DataFrame:
    """The roster with these pictures marked as erased on this date; one that was marked before keeps its date."""
    new = roster["id"].isin(set(ids) - erased_ids(roster))
    return roster.assign(erased=roster["erased"].mask(new, date))


def pictures(roster: pd.DataFrame) -> dict[str, list[str]]:
    """The ids that each id and each raw file stands for: a file for every picture that was ever listed under it."""
    of_file = roster.groupby("file", sort=False)["id"].agg(list).to_dict()
    return of_file | {image: [image] for image in roster["id"]}


def resolve(names: Iterable[str], roster: pd.DataFrame, dataset: str) -> list[tuple[str, list[str]]]:
    """Of each image that was typed, its name as the roster has it, and the ids that it stands for, in order.

    names: ids or raw files, these also by any path that leads there. Raises BadInput for one that it never held.
    """
    known, found = pictures(roster), []
    for typed in names:
        name = typed if typed in known else below(paths.raw(dataset), typed)
        if name not in known:
            raise BadInput(unknown(typed, dataset))
        found.append((name, known[name]))
    return found


def below(folder: Path, typed: str) -> str:
    """A path as it goes on from this folder, relative to the current one or absolute; any other text as it is."""
    path = Path(typed)
    try:
        return (path.parent.resolve() / path.name).relative_to(folder.resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):  # elsewhere, or no path at all
        return typed


def of_class(class_: str, roster: pd.DataFrame, dataset: str) -> list[str]:
    """The ids of a class. Raises BadInput where the roster of this data set has none."""
    ids = roster.loc[roster["class"] == class_, "id"].drop_duplicates().tolist()
    if not ids:
        raise BadInput(f"class {class_!r} is not on {paths.roster(dataset)}; name its images by their ids")
    return ids


def elsewhere(name: str, dataset: str) -> list[str]:
    """The other data sets that have an image of this name; one whose roster is missing or damaged has none."""
    found = []
    for other in paths.datasets():
        with suppress(BadInput):
            known = pictures(read(paths.roster(other))) if other != dataset else {}
            found += [other] if {name, below(paths.raw(other), name)} & known.keys() else []
    return found


def unknown(name: str, dataset: str) -> str:
    """Why a name stands for no image of this data set."""
    if others := elsewhere(name, dataset):
        there = ", ".join(str(paths.roster(other)) for other in others)
        how = f"name that data set (--dataset {others[0]}), or go on with it: dvc exp run -S dataset={others[0]}"
        return f"{name!r} is not on {paths.roster(dataset)}, but on {there}; {how}"
    return (
        f"{name!r} is neither an id nor a raw file on {paths.roster(dataset)}; write one of its first two columns "
        "(of equal pictures only one is on it, and `make data` says which)"
    )
