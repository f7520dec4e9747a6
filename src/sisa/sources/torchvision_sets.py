"""CIFAR-10 and Fashion-MNIST through torchvision's own data sets, from a local copy or downloaded."""

import gzip
import shutil
import socket
import tempfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

import numpy as np
import torchvision
from torchvision.datasets import VisionDataset

from sisa.base.errors import BadInput
from sisa.base.files import beside
from sisa.base.params import Dataset
from sisa.base.text import number_of
from sisa.sources import make_data
from sisa.sources.report import LeftOut

TIMEOUT = 30  # seconds without an answer before a download is given up
FAILURES = (OSError, RuntimeError, ValueError, TypeError, AssertionError, IndexError, KeyError)  # of torchvision


def bring_in(dataset: Dataset, origin: Path | None, raw: Path, _: Collection[str] = ()) -> list[LeftOut]:
    """Put the files that torchvision reads into `raw`, from the copy at `origin` or from the network.

    No file is left out, and no image can have been erased. Raises BadInput when neither has them all, as torchvision
    knows them.
    """
    with suppress(BadInput):  # unless it is complete
        check(dataset, raw)
        return []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if origin:
            copy_local(dataset, origin, root)
        download_rest(dataset, origin, root)
        check(dataset, root)
        for name in needed_files(dataset):
            with beside(raw / name) as part:
                shutil.copyfile(root / name, part)
    return []


def pictures(dataset: Dataset, raw: Path, classes: list[str]) -> Iterator[tuple[str, str, np.ndarray]]:
    """The images of these classes, grey ones repeated to three channels; `file` is as in `train#123`."""
    for part in ("test", "train"):
        loaded = load(dataset, raw, part)
        wanted = {label_number(dataset, loaded, name): name for name in classes}
        for index, label in enumerate(map(int, loaded.targets)):
            if label in wanted:
                image = np.asarray(loaded.data[index])
                rgb = image if image.ndim == 3 else np.repeat(image[:, :, None], 3, axis=2)
                yield f"{part}#{index}", wanted[label], rgb


def torchvision_class(dataset: Dataset) -> type[VisionDataset]:
    return getattr(torchvision.datasets, dataset.source.dataset)


def needed_files(dataset: Dataset) -> list[str]:
    """The unpacked files that torchvision reads, relative to its root folder."""
    known = torchvision_class(dataset)
    if dataset.source.dataset == "CIFAR10":
        batches = [name for name, _ in known.train_list + known.test_list]
        return [f"{known.base_folder}/{name}" for name in [*batches, known.meta["filename"]]]
    return [f"{known.__name__}/raw/{PurePosixPath(name).stem}" for name, _ in known.resources]


def check(dataset: Dataset, root: Path) -> None:
    for part in ("test", "train"):
        load(dataset, root, part)


def load(dataset: Dataset, root: Path, part: str) -> VisionDataset:
    """One part of the data set, in memory. Raises BadInput when a file of it is missing or damaged.

    CIFAR-10's files are pickles. torchvision compares the MD5 of each with the authors' before it unpickles
    any, so that no other pickle than theirs is ever run. Fashion-MNIST's are plain arrays.
    """
    try:
        loaded = torchvision_class(dataset)(root, train=part == "train")
    except FAILURES as error:
        reason = " ".join(str(error).split())
        raise BadInput(f"{root}: torchvision cannot read it ({reason}); run: {make_data(dataset)}") from error
    if len(loaded.data) != len(loaded.targets):
        images, labels = number_of(len(loaded.data), "image"), number_of(len(loaded.targets), "label")
        raise BadInput(f"{root}: {images}, but {labels} in part {part}")
    return loaded


def label_number(dataset: Dataset, loaded: VisionDataset, name: str) -> int:
    label, known = dataset.source.labels.get(name, name), loaded.class_to_idx
    if label not in known:
        raise BadInput(f"class {name} is {label!r} in {dataset.source.dataset}, which has only {', '.join(known)}")
    return known[label]


def copy_local(dataset: Dataset, origin: Path, root: Path) -> None:
    """Copy what `origin` has of the data set, packed or not, to where torchvision looks below `root`.

    Fashion-MNIST is unpacked here: torchvision knows the MD5 of the authors' .gz files only, and others
    hold the same arrays in recompressed ones (Debian's package dataset-fashion-mnist).
    """
    copied = [copy_one(origin, root / name, PurePosixPath(name)) for name in needed_files(dataset)]
    archive = getattr(torchvision_class(dataset), "filename", "")
    packed = origin if origin.name == archive else origin / archive
    if archive and packed.is_file():
        shutil.copyfile(packed, root / archive)
    elif not any(copied):
        names = [archive] if archive else [f"{PurePosixPath(name).name}.gz" for name in needed_files(dataset)]
        raise BadInput(f"{origin}: no copy of {dataset.source.dataset}; expected {', '.join(names)} there")


def copy_one(origin: Path, target: Path, name: PurePosixPath) -> bool:
    """Copy one needed file, from its place in torchvision's tree or from the top, gzipped or not."""
    for place in (origin / name, origin / name.name):
        packed = place.with_name(f"{place.name}.gz")
        if place.is_file() or packed.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(place, target) if place.is_file() else unpack(packed, target)
            return True
    return False


def unpack(packed: Path, target: Path) -> None:
    try:
        with gzip.open(packed) as source, target.open("wb") as unpacked:
            shutil.copyfileobj(source, unpacked)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadInput(f"{packed}: damaged ({error})") from error


def download_rest(dataset: Dataset, origin: Path | None, root: Path) -> None:
    """Let torchvision unpack what is there with the right checksum, and download what is not."""
    previous = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # of sockets that set none, as torchvision's do
    try:
        torchvision_class(dataset)(root, download=True)
    except FAILURES as error:
        name = dataset.source.dataset
        lacking = f"{origin}: no whole copy of {name} there" if origin else f"no local copy of {name}"
        reason, way_on = " ".join(str(error).split()), f"with a copy on disk: {make_data(dataset, '<its folder>')}"
        raise BadInput(f"{lacking}, and it cannot be downloaded ({reason}); {way_on}") from error
    finally:
        socket.setdefaulttimeout(previous)
