"""The files of a folder, or of a .zip or .tar file: what each is called, how large it is, and its bytes when asked."""

import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from sisa.base.errors import BadInput
from sisa.base.params import Folder
from sisa.base.text import number_of, printable

PACKED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0")  # how .zip files and compressed .tar files begin
CUT_OFF = "broken download: the archive is cut off or damaged; fetch it again"
END_OF_TAR = bytes(512)

BROKEN_LINK = "a broken link"
HIDDEN = "hidden: its name, or its folder's, begins with a dot"


@dataclass(frozen=True)
class Entry:
    """A file: its folders and its name, its size in bytes, and why its bytes are not to be read, if so."""

    parts: tuple[str, ...]
    size: int
    unfit: str
    read: Callable[[], bytes]

    @property
    def name(self) -> str:
        return "/".join(self.parts)


def unfit(entry: Entry, limits: Folder) -> str:
    """Why this file is left out before it is read, if it is."""
    if not entry.unfit and entry.size > limits.megabytes * 10**6:
        return f"too large: {entry.size / 10**6:,.0f} MB, limit {limits.megabytes:,}"
    hidden = any(part.startswith(".") for part in entry.parts)
    return HIDDEN if hidden and not entry.unfit else entry.unfit


def walk(top: Path) -> list[Entry]:
    """The files below a folder, links followed, in the order of their names."""
    return list(inside(top, top, ())) if top.is_dir() else []


def inside(folder: Path, top: Path, above: tuple[Path, ...]) -> Iterator[Entry]:
    above = (*above, folder.resolve())
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.resolve() not in above:
            yield from inside(path, top, above)
        else:
            size = path.stat().st_size if path.is_file() else 0
            yield Entry(path.relative_to(top).parts, size, unfit_path(path), path.read_bytes)


def unfit_path(path: Path) -> str:
    if path.is_dir():
        return "a link to a folder that it is in"
    if path.is_symlink() and not path.exists():
        return BROKEN_LINK
    return "" if path.is_file() else "no file, but a pipe, socket or device"


def check_trackable(raw: Path) -> None:
    """Raises BadInput for a raw file at which DVC stops, in words that may not name it."""
    for entry in walk(raw):
        where = f"{raw}/{printable(entry.name)}"
        if entry.unfit == BROKEN_LINK:
            raise BadInput(f"{where}: {BROKEN_LINK}, which DVC cannot track; mend or delete it")
        if utf8(entry.name) != entry.name:
            raise BadInput(f"{where}: its name is not in UTF-8, as DVC needs it; rename it")


def utf8(name: str) -> str:
    """A name with question marks for the bytes that are no text."""
    return name.encode("utf-8", "replace").decode()


@contextmanager
def opened(origin: Path, limits: Folder) -> Iterator[list[Entry]]:
    """The files of a folder or archive; those of an archive are to be read one after another, in this order.

    Raises BadInput for what is neither, and for an archive that is damaged or holds more than the limits.
    """
    with ExitStack() as stack:
        yield walk(origin) if origin.is_dir() else unpacked(origin, limits, stack)


def unpacked(origin: Path, limits: Folder, stack: ExitStack) -> list[Entry]:
    """The files of an archive, which `stack` closes."""
    if not origin.is_file():
        raise BadInput(
            f"{origin}: {'neither a folder nor a .zip or .tar file' if origin.exists() else 'no such folder or file'}"
        )
    with damage_named(origin):
        if zipfile.is_zipfile(origin):
            return within(limits, origin, zip_entries(stack.enter_context(zipfile.ZipFile(origin)), origin))
        if tarfile.is_tarfile(origin):
            return within(limits, origin, tar_entries(stack.enter_context(tarfile.open(origin)), origin))
    with origin.open("rb") as file:
        packed = file.read(6).startswith(PACKED)
    raise BadInput(f"{origin}: {CUT_OFF if packed else 'neither a folder nor a .zip or .tar file'}")


@contextmanager
def damage_named(origin: Path, name: str = "") -> Iterator[None]:
    try:
        yield
    except (EOFError, tarfile.TarError) as error:
        raise BadInput(f"{origin}: {CUT_OFF}") from error
    except BadInput:
        raise
    except Exception as error:  # zipfile and tarfile raise OSError, ValueError, RuntimeError, zlib.error and more
        place = f"{name} in it" if name else "it"
        way_on = "fetch it again, or unpack it and name the folder"
        raise BadInput(f"{origin}: {place} cannot be unpacked ({error}); {way_on}") from error


def within(limits: Folder, origin: Path, entries: Iterable[Entry]) -> list[Entry]:
    """The entries of an archive. Raises BadInput where they are too many, or too large together."""
    found, size = [], 0
    for entry in entries:
        found.append(entry)
        size += entry.size
        if len(found) > limits.archive_files or size > limits.archive_gigabytes * 10**9:
            most = f"{number_of(limits.archive_files, 'file')} (source.archive_files)"
            most += f" or {limits.archive_gigabytes:,} GB unpacked (source.archive_gigabytes)"
            raise BadInput(
                f"{origin}: more than {most}; raise that in the data set's file in conf/dataset, or unpack it"
            )
    return found


def zip_entries(archive: zipfile.ZipFile, origin: Path) -> Iterator[Entry]:
    for member in archive.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))  # as some programs on Windows write it
        if not member.is_dir():
            read = partial(read_member, origin, member.filename, partial(archive.read, member))
            yield Entry(path.parts, member.file_size, leads_out(path), read)


def tar_entries(archive: tarfile.TarFile, origin: Path) -> Iterator[Entry]:
    """Raises tarfile.ReadError where the archive breaks off: tarfile takes that for its end."""
    for member in archive:
        path = PurePosixPath(member.name)
        if not member.isdir():
            kind = "" if member.isfile() else "a link or device, which is not taken out of an archive"
            read = partial(read_member, origin, member.name, lambda member=member: archive.extractfile(member).read())
            yield Entry(path.parts, member.size, kind or leads_out(path), read)
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(len(END_OF_TAR)) != END_OF_TAR:
        raise tarfile.ReadError(CUT_OFF)


def read_member(origin: Path, name: str, read: Callable[[], bytes]) -> bytes:
    with damage_named(origin, printable(name)):
        return read()


def leads_out(path: PurePosixPath) -> str:
    return "its path leads out of the archive" if ".." in path.parts or path.is_absolute() else ""
