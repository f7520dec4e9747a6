"""What Git remembers of a tracked CSV file."""

import csv
import io
import os
from collections.abc import Callable, Set
from pathlib import Path

from sisa.repository.git import GitError, git, git_bytes

Row = tuple[str, ...]


def rows(content: bytes) -> set[Row]:
    """The rows below the header of one version, whatever its line ends, quotes, byte order mark and blank rows."""
    text = content.decode("utf-8-sig", errors="replace")
    try:
        return {tuple(row) for row in [*csv.reader(io.StringIO(text, newline=""))][1:] if any(row)}
    except csv.Error as error:
        raise GitError(f"a version of it is no CSV ({error})") from error


def ever(path: Path) -> set[Row]:
    """All rows of every version that was committed before HEAD or on a branch of this clone. Raises GitError, also in
    a shallow clone, which does not know all of them.
    """
    if git("rev-parse", "--is-shallow-repository").strip() != "false":
        raise GitError("this is a shallow clone; git fetch --unshallow")
    listed = git_bytes("rev-list", "--objects", "--full-history", "HEAD", "--branches", "--", str(path)).splitlines()
    found = set()
    for line in listed:
        name, _, file = line.partition(b" ")
        if file.endswith(str(path).encode()):
            found |= rows(git_bytes("cat-file", "blob", name.decode()))
    return found


def gone(folder: Path) -> list[Path]:
    """The files of a folder that a commit before HEAD or on a branch of this clone has, and that are not here, sorted.
    Raises GitError.
    """
    told = git_bytes("log", "--format=", "--name-only", "--relative", "-z", "HEAD", "--branches", "--", str(folder))
    files = {Path(os.fsdecode(name)) for name in told.split(b"\0") if name}
    return sorted(file for file in files if not file.exists())


def way_back(path: Path, lost: Set, read: Callable[[set[Row]], set]) -> str:
    """Where in this clone what the file lost still is, and what to do, in words. Raises GitError.

    lost: what is to come back; read: what the rows of a version come to, in the same terms.
    """
    if lost <= read(at("HEAD", path)):
        return f"git checkout HEAD -- {path}, or by hand from git show HEAD:{path}"
    branches = git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    if names := [name for name in branches if lost & read(at(name, path))]:
        return f"on branch {', '.join(names)}: git merge {names[0]}, or by hand from git show {names[0]}:{path}"
    return f"in earlier commits, not in HEAD nor at the end of a branch: by hand from git log -p --branches -- {path}"


def at(revision: str, path: Path) -> set[Row]:
    """The rows at a revision; none where it has no such file."""
    there = git("ls-tree", "--name-only", revision, "--", str(path))
    return rows(git_bytes("show", f"{revision}:./{path}")) if there else set()


def in_head(path: Path) -> set[Row]:
    """The rows as committed last. Raises GitError where the file is in no commit."""
    return rows(git_bytes("show", f"HEAD:./{path}"))
