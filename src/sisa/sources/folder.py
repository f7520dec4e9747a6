"""Photos in one folder a class, brought in from a folder or from a .zip or .tar file."""

import errno
import hashlib
import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from tqdm import tqdm

from sisa.base.errors import BadInput
from sisa.base.params import Dataset, Folder
from sisa.base.text import counted, number_of, printable
from sisa.data.images import NoPicture, image_id
from sisa.sources import make_data
from sisa.sources.origin import Entry, opened, unfit, utf8, walk
from sisa.sources.photo import NAMES, decode
from sisa.sources.report import ERASED, LeftOut

SAME_BYTES = "the same file under the same name as another one that is kept"


def bring_in(dataset: Dataset, origin: Path | None, raw: Path, erased: Collection[str] = ()) -> list[LeftOut]:
    """Copy the photos of every class from `origin` to `raw`/<class>/, with their folders below the class's.

    A photo whose name is taken gets part of its SHA-256 into its name. Without `origin` the photos that are in `raw`
    stay as they are. Returns what is left out: of `origin`, and in `raw` of no class. Raises BadInput, before anything
    is copied, when a class has no photo that can be decoded, neither here nor there, and when `raw` has an erased one.
    """
    check_none_erased(dataset, raw, erased)
    if origin is None and not raw.is_dir():
        raise BadInput(f"{raw}: no photos yet; say where they are: {make_data(dataset, '<folder, .zip or .tar>')}")
    names = classes(dataset)
    strays = [LeftOut(each.name, no_class(dataset)) for each in walk(raw) if each.parts[0] not in names]
    return strays + (copy_in(dataset, origin, raw, erased) if origin else [])


def pictures(dataset: Dataset, raw: Path, classes: list[str]) -> Iterator[tuple[str, str, np.ndarray | NoPicture]]:
    """All files in the folders of these classes; a class without a folder has none."""
    files = [(f"{name}/{entry.name}", name, entry) for name in classes for entry in walk(raw / name)]
    for file, name, entry in sorted(files, key=lambda each: each[0]):
        yield file, name, look(entry, dataset.source)[0]


def holding(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """The files with these pictures, further copies that the roster left out included."""
    files = sorted(path for path in raw.rglob("*") if path.is_file())
    read = ((path, decode(path.read_bytes(), dataset.source.megapixels)) for path in files)
    bar = tqdm(read, desc=f"reading {raw}", total=len(files), unit=" files", disable=None)
    return [path.relative_to(raw).as_posix() for path, rgb in bar if is_among(rgb, ids)]


def is_among(rgb: np.ndarray | NoPicture, ids: Collection[str]) -> bool:
    return not isinstance(rgb, NoPicture) and image_id(rgb) in ids


def erase(dataset: Dataset, raw: Path, ids: Collection[str]) -> list[str]:
    """Delete the files with these pictures, further copies that the roster left out included."""
    erased = holding(dataset, raw, ids)
    for file in erased:
        (raw / file).unlink()
    return erased


def classes(dataset: Dataset) -> list[str]:
    return sorted(set().union(*dataset.class_sets.values()))


def accepted_names(dataset: Dataset, name: str) -> list[str]:
    other = dataset.source.other_names.get(name)
    return [name, other] if other else [name]


def look(entry: Entry, limits: Folder) -> tuple[np.ndarray | NoPicture, bytes]:
    """The pixels in a file, or why there are none, and its bytes as far as they were read."""
    if reason := unfit(entry, limits):
        return NoPicture(reason), b""
    content = entry.read()
    return decode(content, limits.megapixels), content


def no_class(dataset: Dataset) -> str:
    return f"in no folder of a class of {dataset.name}"


def check_none_erased(dataset: Dataset, raw: Path, erased: Collection[str]) -> None:
    """Raises BadInput for raw files that show what was erased: DVC would keep it again, and to delete them is for those
    who put them there.
    """
    if held := holding(dataset, raw, erased) if erased else []:
        found = counted(f"{raw} has files again that show what was erased for good", held)
        raise BadInput(f"{found}; delete them, or move them out of the repository, then repeat")


def copy_in(dataset: Dataset, origin: Path, raw: Path, erased: Collection[str]) -> list[LeftOut]:
    """Copy the new photos to a folder beside `raw`, and from there into it once all have been looked at."""
    raw.parent.mkdir(parents=True, exist_ok=True)
    class_of = {each.casefold(): name for name in classes(dataset) for each in accepted_names(dataset, name)}
    found, taken, left_out = Counter(), set(), []
    with opened(origin, dataset.source) as entries, TemporaryDirectory(prefix=".new-", dir=raw.parent) as folder:
        for entry in tqdm(entries, desc=f"reading {printable(origin.name)}", unit=" files", disable=None):
            depth = next((at for at, part in enumerate(entry.parts[:-1]) if part.casefold() in class_of), None)
            if depth is None:
                left_out.append(LeftOut(entry.name, no_class(dataset)))
                continue
            name = class_of[entry.parts[depth].casefold()]
            found[name] += 1
            wanted = Path(name, *map(utf8, entry.parts[depth + 1 :]))
            left_out += take(entry, wanted, (raw, Path(folder)), taken, dataset.source, erased)
        check_classes(dataset, origin, raw, found, {place.parts[0] for place in taken})
        move_in(Path(folder), raw)
    return left_out


def take(
    entry: Entry,
    wanted: Path,
    roots: tuple[Path, Path],
    taken: set[Path],
    limits: Folder,
    erased: Collection[str],
) -> Iterator[LeftOut]:
    """Keep a photo of the origin; yields it where it is left out. roots, taken: as in `keep`."""
    picture, content = look(entry, limits)
    if erased and is_among(picture, erased):
        yield LeftOut(entry.name, ERASED)
        return
    try:
        reason = picture.reason if isinstance(picture, NoPicture) else keep(content, wanted, roots, taken)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        reason = "its name is too long for this disk"
    if reason:
        yield LeftOut(entry.name, reason)


def keep(content: bytes, wanted: Path, roots: tuple[Path, Path], taken: set[Path]) -> str:
    """Write a photo to its place below the second root, unless it is below one already; or say why not.

    What has the name and other bytes keeps it. taken: the places of this origin's photos, to which this one is added.
    """
    digest = hashlib.sha256(content).hexdigest()
    for stem in (wanted.stem, f"{wanted.stem}-{digest[:8]}", f"{wanted.stem}-{digest}"):
        place = wanted.with_name(f"{stem}{wanted.suffix}")
        there = [root / place for root in roots if (root / place).exists()]
        if any(path.is_file() and path.read_bytes() == content for path in there):
            if place in taken:
                return SAME_BYTES
            taken.add(place)
            return ""
        if not there and not any((root / folder).is_file() for root in roots for folder in place.parents):
            (roots[1] / place).parent.mkdir(parents=True, exist_ok=True)
            (roots[1] / place).write_bytes(content)
            taken.add(place)
            return ""
    return "a file has the name of its folder, or a folder its name"


def check_classes(dataset: Dataset, origin: Path, raw: Path, found: Counter, taken: set[str]) -> None:
    """Raises BadInput where a class would have no photo. found: files in `origin`, by class."""
    for name in classes(dataset):
        if not found or not (name in taken or any(not unfit(each, dataset.source) for each in walk(raw / name))):
            if found[name]:
                files = number_of(found[name], "file")
                raise BadInput(f"class {name}: {files} in {origin}, and none can be decoded as {NAMES}")
            names = " or ".join(f"{accepted}/" for accepted in accepted_names(dataset, name))
            expected = f"a folder {names} there or below, with {NAMES} images"
            raise BadInput(f"class {name}: no photos in {origin}; expected {expected}")


def move_in(new: Path, raw: Path) -> None:
    for path in sorted(path for path in new.rglob("*") if path.is_file()):
        target = raw / path.relative_to(new)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
