"""`make data`: bring the raw images of a data set in, write its roster, and let DVC track them."""

import argparse
import shlex
from pathlib import Path

import pandas as pd
import yaml
from pydantic import ValidationError
from tqdm import tqdm

from sisa import sources
from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Dataset, describe
from sisa.data.images import image_id
from sisa.repository.dvc import dvc
from sisa.sources import roster
from sisa.sources.folder import classes

PRESETS = Path("conf/dataset")
EMBEDDED = "animal_mnist"  # the one data set whose roster and .dvc file are committed


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help=f"one of {', '.join(paths.datasets())}")
    parser.add_argument("--from", dest="origin", type=Path, help="a folder, .zip file or wheel that holds the images")


def main(options: argparse.Namespace) -> None:
    dataset = load_dataset(options.dataset)
    file = paths.roster(dataset.name)
    listed = roster.read(file) if file.exists() else roster.blank()

    origin = options.origin and options.origin.expanduser()  # some shells leave the ~ of FROM=~/photos as it is
    sources.bring_in(dataset, origin, paths.raw(dataset.name))
    erased = sources.erase(dataset, paths.raw(dataset.name), roster.erased_ids(listed))
    complete, report = add_new(dataset, listed)
    report.erased = erased
    if report.added:
        roster.write(file, complete)
    dvc("add", str(paths.raw(dataset.name)))  # so that DVC sees every image that comes or goes

    counts = complete["class"].value_counts().sort_index().items()
    per_class = ", ".join(f"{name} {count:,}" for name, count in counts)
    print(f"{dataset.name}: {len(complete):,} images on the roster {file}: {per_class}")
    print(*report.lines(), sep="\n")
    if dataset.name != EMBEDDED:
        print(what_next(dataset))


def load_dataset(name: str) -> Dataset:
    """Raises BadInput for a data set without a file in conf/dataset, or with one that is not as it should be."""
    if name not in paths.datasets():
        raise BadInput(f"unknown data set {name!r}; choose one of {', '.join(paths.datasets())}")
    path = PRESETS / f"{name}.yaml"
    try:
        values = yaml.safe_load(path.read_text())
        dataset = Dataset.model_validate(values)
    except ValidationError as error:
        raise BadInput(f"{path}: {describe(error, values)}") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: cannot be read ({' '.join(str(error).split())})") from error
    if dataset.name != name:
        raise BadInput(f"{path}: its name is {dataset.name}, which would mix two data sets; write name: {name}")
    return dataset


def add_new(dataset: Dataset, listed: pd.DataFrame) -> tuple[pd.DataFrame, roster.Report]:
    """The roster with what is new in the raw folder. Raises BadInput when a class has no image at all."""
    folder, source = paths.raw(dataset.name), dataset.source
    names = source.label_names if source.kind == "wheel" else classes(dataset)  # a wheel cannot be had in part
    pictures = tqdm(sources.pictures(dataset, folder, names), desc=f"reading {folder}", unit=" images", disable=None)
    found = ((file, name, None if rgb is None else image_id(rgb)) for file, name, rgb in pictures)
    complete, report = roster.append(listed, found)
    for name in names:
        if name not in set(complete["class"]):
            raise BadInput(f"class {name}: no image that can be decoded and is of this class only, in {folder}")
    return complete, report


def what_next(dataset: Dataset) -> str:
    folder = paths.raw(dataset.name)
    files = shlex.join(map(str, [paths.roster(dataset.name), f"{folder}.dvc", folder.parent / ".gitignore"]))
    recipe = " -S train=photo" if dataset.channels == 3 else ""
    return (
        f"to go on:       dvc exp run -S dataset={dataset.name}{recipe}\n"
        f"to version it:  git add {files}  (only where others can pull the images: see `dvc push`)"
    )
