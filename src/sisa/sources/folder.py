"""Photos in one folder a class, brought in from a folder or a .zip file."""

import hashlib
import io
import warnings
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from tqdm import tqdm

from sisa.base.errors import BadInput
from sisa.base.files import beside
from sisa.base.params import Dataset
from sisa.data.images import image_id
from sisa.sources import make_data

EXTENSIONS = {".jpg", ".jpeg", ".png", ".webp"}
FORMATS = ["JPEG", "PNG", "WEBP"]  # by content: a photo may carry another format's extension

Place = Path | zipfile.Path


def bring_in(dataset: Dataset, origin: Path | None, raw: Path) -> None:
    """Copy the photos of every class from `origin` to `raw`/<class>/<file name>, each photo once.

    A photo whose name is taken gets part of its SHA-256 into its name. Without `origin` the photos that are in `raw`
    stay as they are. Raises BadInput when a class has no photo that can be decoded, neither here nor there.
    """
    if origin is None:
        if not raw.is_dir():
            raise BadInput(f"{raw}: no photos yet; say where they are: {make_data(dataset, '<folder or .zip>')}")
        return
    with opened(origin) as top:
        inside, accepted = folders(top), {name: accepted_names(dataset, name) for name in classes(dataset)}
        found = {name: photos(named(inside, names)) for name, names in accepted.items()}
        if not any(found.values()):
            raise missing(dataset, origin, min(found))
        for name, new in found.items():
            if photos([raw / name]):
                continue
            if not new:
                raise missing(dataset, origin, name)
            if not any(decode(photo.read_bytes()) is not None for photo in new):
                raise BadInput(f"class {name}: none of the {len(new)} photos in {origin} can be decoded")
        known = named(inside, set().union(*accepted.values()))
        if unused := [folder.name for folder in inside if folder not in known and photos([folder])]:
            print(f"left out, folders of no class of {dataset.name}: {', '.join(unused)}")
        for name, new in found.items():
            for photo in new:
                copy_in(photo, raw / name)


def pictures(dataset: Dataset, raw: Path, classes: list[str]) -> Iterator[tuple[str, str, np.ndarray | None]]:
    """The photos of these classes; a class without a folder has none."""
    files = [(f"{name}/{path.name}", name) for name in classes for path in photos([raw / name])]
    for file, name in sorted(files):
        yield file, name, decode((raw / file).read_bytes())


def holding(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """The files with these pictures, further copies that the roster left out included."""
    files = sorted(path for path in raw.rglob("*") if path.is_file())
    read = ((path, decode(path.read_bytes())) for path in files)
    bar = tqdm(read, desc=f"reading {raw}", total=len(files), unit=" files", disable=None)
    return [path.relative_to(raw).as_posix() for path, rgb in bar if rgb is not None and image_id(rgb) in ids]


def erase(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """Delete the files with these pictures, further copies that the roster left out included."""
    erased = holding(dataset, raw, ids)
    for file in erased:
        (raw / file).unlink()
    return erased


def decode(content: bytes) -> np.ndarray | None:
    """The upright pixels [height, width, 3] uint8 of a photo, or None where there is no reading it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except Exception:  # on damaged files Pillow raises OSError, SyntaxError, ValueError, struct.error and more
        return None


def classes(dataset: Dataset) -> list[str]:
    return sorted(set().union(*dataset.class_sets.values()))


def accepted_names(dataset: Dataset, name: str) -> list[str]:
    other = dataset.source.other_names.get(name)
    return [name, other] if other else [name]


@contextmanager
def opened(origin: Path) -> Iterator[Place]:
    """The top of a folder or of a .zip file, every member of which has been checked."""
    if origin.is_dir():
        yield origin
        return
    if not zipfile.is_zipfile(origin):
        what = "neither a folder nor a .zip file" if origin.exists() else "no such folder or file"
        raise BadInput(f"{origin}: {what}")
    with zipfile.ZipFile(origin) as archive:
        try:
            damaged = archive.testzip()
        except (RuntimeError, zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise BadInput(f"{origin}: cannot be unpacked ({error})") from error
        if damaged:
            raise BadInput(f"{origin}: damaged at {damaged}")
        yield zipfile.Path(archive)


def named(folders: list[Place], names: Collection[str]) -> list[Place]:
    return [folder for folder in folders if folder.name.casefold() in names]


def folders(top: Place, depth: int = 2) -> list[Place]:
    """Those at the top, and those one level below, as in `raw-img/gatto`."""
    here = sorted((entry for entry in top.iterdir() if entry.is_dir()), key=str)
    return here + [inner for folder in here if depth > 1 for inner in folders(folder, depth - 1)]


def photos(folders: list[Place]) -> list[Place]:
    """The photos in these folders by name, less the hidden files that macOS leaves beside them."""
    entries = [entry for folder in folders if folder.is_dir() for entry in folder.iterdir()]
    return sorted((entry for entry in entries if is_photo(entry)), key=str)


def is_photo(entry: Place) -> bool:
    return Path(entry.name).suffix.lower() in EXTENSIONS and not entry.name.startswith(".") and entry.is_file()


def missing(dataset: Dataset, origin: Path, name: str) -> BadInput:
    names = " or ".join(f"{accepted}/" for accepted in accepted_names(dataset, name))
    expected = f"a folder {names} there or one level below, with {', '.join(sorted(EXTENSIONS))} files"
    return BadInput(f"class {name}: no photos in {origin}; expected {expected}")


def copy_in(photo: Place, folder: Path) -> None:
    """Copy one photo under its own name; a photo that is there already is left alone, and so is another's name."""
    content = photo.read_bytes()
    # Only the base name is used, so that no member of a .zip file can be written elsewhere.
    name, digest = Path(photo.name.encode("utf-8", "replace").decode()), hashlib.sha256(content).hexdigest()
    for stem in (name.stem, f"{name.stem}-{digest[:8]}", f"{name.stem}-{digest}"):
        path = folder / f"{stem}{name.suffix}"
        if not path.exists():
            with beside(path) as part:
                part.write_bytes(content)
            return
        if path.read_bytes() == content:
            return
