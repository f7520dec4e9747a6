"""What Git remembers of a tracked CSV file."""

import csv
import io
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


def in_head(path: Path) -> set[Row]:
    """The rows as committed last. Raises GitError where the file is in no commit."""
    return rows(git_bytes("show", f"HEAD:./{path}"))
