"""Raw images as they came in: one module a kind of source, with `bring_in`, `pictures`, `holding` and `erase`."""

from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import numpy as np

from sisa.base.errors import BadInput
from sisa.base.params import Dataset
from sisa.data.images import NoPicture
from sisa.sources.origin import check_trackable
from sisa.sources.report import LeftOut

MODULES = {"wheel": "wheel", "folder": "folder", "torchvision": "torchvision_sets"}


def bring_in(dataset: Dataset, origin: Path | None, raw: Path, erased: Collection[str] = ()) -> list[LeftOut]:
    """Put the raw files into the folder `raw`, from `origin` where one is given; what is there already stays.

    erased: the ids of pictures that do not come in again. Returns what is left out of `origin`, images of an archive
    that were blanked, and the files in `raw` that are in no class's folder. Raises BadInput, before anything is
    written, when the source is missing, unreadable or not what it should be, or when `raw` holds a file that DVC cannot
    track, or a photo that was erased.
    """
    try:
        check_trackable(raw)
        return source(dataset).bring_in(dataset, origin, raw, erased)
    except OSError as error:
        raise BadInput(f"{raw}: the raw images cannot be brought in ({error})") from error


def pictures(dataset: Dataset, raw: Path, classes: list[str]) -> Iterator[tuple[str, str, np.ndarray | NoPicture]]:
    """Decode the raw images of these classes one after another: (file, class, upright [height, width, 3] uint8).

    A file without a picture has NoPicture in the place of its pixels. The order is that of the file names, numbers by
    value, on every file system. Raises BadInput when the raw folder is missing, unreadable or damaged.
    """
    if not raw.is_dir():
        raise BadInput(f"{raw}: no such folder; bring the images in: {make_data(dataset)}")
    try:
        yield from source(dataset).pictures(dataset, raw, classes)
    except OSError as error:
        raise BadInput(f"{raw}: cannot be read ({error}); mend it or run: {make_data(dataset)}") from error


def holding(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """The raw files, as a roster calls them, that `erase` would remove: on the roster or not, under whatever name.

    Raises BadInput where the source cannot remove single ones, or cannot be read.
    """
    return looked_through("holding", dataset, raw, ids)


def erase(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """Remove every picture with one of these ids from the raw folder, under whatever name; return the files it was in.

    Safe to repeat after an interruption. Raises BadInput, before anything is written, where the source cannot do it.
    """
    return looked_through("erase", dataset, raw, ids)


def looked_through(verb: str, dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    if not ids:
        return []
    check_erasable(dataset)
    try:
        return getattr(source(dataset), verb)(dataset, raw, ids)
    except OSError as error:
        raise BadInput(f"{raw}: images cannot be erased ({error}); mend it and repeat") from error


def check_erasable(dataset: Dataset) -> None:
    """Raises BadInput where single images cannot be taken out of the raw data."""
    if dataset.source.kind == "torchvision":
        raise BadInput(
            f"{dataset.name}: torchvision keeps all images in a few files, which it checks and anyone can download, so "
            "single ones cannot be erased from it; unlearn them instead: python src forget"
        )


def source(dataset: Dataset) -> ModuleType:
    """The module of the data set's kind of source, imported when needed: photos need no torch."""
    return import_module(f"sisa.sources.{MODULES[dataset.source.kind]}")


def make_data(dataset: Dataset, origin: str = "") -> str:
    """The command that brings a data set in, for error messages."""
    return f"make data DATASET={dataset.name}" + (f" FROM={origin}" if origin else "")
