"""`make data`: bring the raw images of a data set in, write its roster, and let DVC track them."""

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from pydantic import ValidationError
from tqdm import tqdm

from sisa import sources
from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.files import write_csv
from sisa.base.params import Dataset, describe
from sisa.base.text import counted, number_of, printable
from sisa.data.images import NoPicture, image_id
from sisa.erasure.near import Looks, groups, square
from sisa.repository import history
from sisa.repository.dvc import dvc
from sisa.repository.git import GitError
from sisa.sharding.leakage import affordable
from sisa.sources import roster
from sisa.sources.folder import classes
from sisa.sources.report import Report

CONF = Path("conf")
EMBEDDED = "animal_mnist"  # the one data set whose roster and .dvc file are committed


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dataset", required=True, help=f"one of {', '.join(paths.datasets())}")
    parser.add_argument(
        "--from", dest="origin", type=Path, help="a folder, .zip or .tar file, or wheel with the images"
    )


def main(options: argparse.Namespace) -> None:
    dataset = load_dataset(options.dataset)
    file = paths.roster(dataset.name)
    listed = roster.read(file) if file.exists() else roster.blank()
    check_marked(file, listed)

    origin = options.origin and options.origin.expanduser()  # some shells leave the ~ of FROM=~/photos as it is
    left_out = sources.bring_in(dataset, origin, paths.raw(dataset.name), roster.erased_ids(listed))
    complete, report, squares = add_new(dataset, listed)
    report.left_out += left_out
    if report.added or report.renamed:
        roster.write(file, complete)
    dvc("add", str(paths.raw(dataset.name)))  # so that DVC sees every image that comes or goes
    for old in (paths.left_out(dataset.name), paths.near_duplicates(dataset.name)):
        old.unlink(missing_ok=True)

    images = roster.images(complete)
    counts = images["class"].value_counts().sort_index().to_dict()
    per_class = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    print(f"{dataset.name}: {number_of(len(images), 'image')} on the roster {file}: {per_class}")
    print(*report.lines(), sep="\n")
    if report.left_out:
        write_csv(paths.left_out(dataset.name), report.table())
        print(f"all that was left out is named in {paths.left_out(dataset.name)}")
    if alike := near_duplicates(complete, squares):
        print(counted("near-duplicates, which all stay on the roster, in groups", [" = ".join(each) for each in alike]))
        rows = [(number, printable(file)) for number, each in enumerate(alike, start=1) for file in each]
        write_csv(paths.near_duplicates(dataset.name), [("group", "file"), *rows])
        print(f"all of them are named in {paths.near_duplicates(dataset.name)}")
    if dataset.name != EMBEDDED:
        print(what_next(dataset, counts))


def check_marked(file: Path, listed: pd.DataFrame) -> None:
    """Raises BadInput for a roster that lacks the mark of an erased image, which would come in again unseen."""
    try:
        gone = roster.marked(history.ever(file)) - roster.erased_ids(listed)
        how = history.way_back(file, gone, roster.marked)
    except GitError as error:
        print(f"notice: whether {file} lost the mark of an erased image was not checked: {error}")
        return
    if gone:
        marks = f"the marks of {number_of(len(gone), 'erased image')}"
        raise BadInput(f"{file} lacks {marks}; bring them back first: {how}")


def load_dataset(name: str) -> Dataset:
    """Raises BadInput for a data set without a file in conf/dataset, or with one that is not as it should be."""
    if name not in paths.datasets():
        raise BadInput(f"unknown data set {name!r}; choose one of {', '.join(paths.datasets())}")
    path = CONF / "dataset" / f"{name}.yaml"
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


def add_new(dataset: Dataset, listed: pd.DataFrame) -> tuple[pd.DataFrame, Report, dict[str, Image.Image]]:
    """The roster with what is new in the raw folder, and what photos look like, by id: their squares.

    Raises BadInput when a class has no image at all.
    """
    folder, names = paths.raw(dataset.name), class_names(dataset)
    found, squares = [], {}
    for file, name, rgb in pictures(dataset):
        image = rgb if isinstance(rgb, NoPicture) else image_id(rgb)
        found.append((file, name, image))
        if dataset.source.kind == "folder" and isinstance(image, str) and image not in squares:
            squares[image] = square(rgb)
    complete, report = roster.append(listed, found)
    for name in names:
        if name not in set(complete["class"]):
            raise BadInput(f"class {name}: no image that can be decoded and is of this class only, in {folder}")
    return complete, report, squares


def class_names(dataset: Dataset) -> list[str]:
    """The classes that are brought in; a wheel cannot be had in part."""
    return dataset.source.label_names if dataset.source.kind == "wheel" else classes(dataset)


def pictures(dataset: Dataset) -> Iterator[tuple[str, str, np.ndarray | NoPicture]]:
    """All that are in place, as `sources.pictures` yields them."""
    folder = paths.raw(dataset.name)
    every = sources.pictures(dataset, folder, class_names(dataset))
    return iter(tqdm(every, desc=f"reading {folder}", unit=" images", disable=None))


def near_duplicates(complete: pd.DataFrame, squares: dict[str, Image.Image]) -> list[list[str]]:
    """The files of pictures on the roster that look alike, in groups; squares: by id, of those that are compared."""
    listed = roster.images(complete)
    listed = listed[listed["id"].isin(squares) & (listed["erased"] == roster.KEPT)]
    files = listed["file"].tolist()
    return [[files[place] for place in each] for each in groups(Looks.of(squares[image] for image in listed["id"]))]


def what_next(dataset: Dataset, counts: dict[str, int]) -> str:
    """The commands to go on with. counts: images by class."""
    folder = paths.raw(dataset.name)
    files = shlex.join(map(str, [paths.roster(dataset.name), f"{folder}.dvc", folder.parent / ".gitignore"]))
    choices = {"dataset": dataset.name} | ({"train": "photo"} if dataset.channels == 3 else {})
    choices |= fitting(dataset, counts, yaml.safe_load((CONF / "config.yaml").read_text()))
    command = f"dvc exp run {' '.join(f'-S {key}={value}' for key, value in choices.items())}"
    if lonely := [name for name, count in counts.items() if count == 1]:
        command = f"bring in more of {', '.join(lonely)}: one image is too few to train on some and hold some out"
    return (
        f"to go on:       {command}\n"
        f"to version it:  git add {files}  (only where others can pull the images: see `dvc push`)"
    )


def fitting(dataset: Dataset, counts: dict[str, int], config: dict) -> dict[str, str | int]:
    """What must be chosen beside the data set, because of its classes or of how many images they have."""
    level = next(each["leakage"] for each in config["defaults"] if "leakage" in each)
    wanted = yaml.safe_load((CONF / "leakage" / f"{level}.yaml").read_text())
    usual = str(config["classes"])
    classes = usual if usual in dataset.class_sets else max(dataset.class_sets, key=int)
    fewest = min(counts[name] for name in dataset.class_sets[classes])
    test, dominant, leaked = affordable(fewest, dataset.test_per_class, wanted["dominant"], wanted["leaked"])
    usually = {
        "classes": (classes, usual),
        "dataset.test_per_class": (test, dataset.test_per_class),
        "leakage.dominant": (dominant, wanted["dominant"]),
        "leakage.leaked": (leaked, wanted["leaked"]),
    }
    return {key: value for key, (value, default) in usually.items() if value != default}
