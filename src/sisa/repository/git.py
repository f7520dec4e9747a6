"""The one way to call Git."""

import subprocess
from pathlib import Path

from sisa.base.errors import BadInput


class GitError(BadInput):
    """Why Git did not do what it was asked, in one line."""


def git(*arguments: str, folder: Path | str = ".") -> str:
    """What `git ARGUMENTS` prints, run in this folder. Raises GitError with Git's own words."""
    try:
        return git_bytes(*arguments, folder=folder).decode()
    except UnicodeDecodeError as error:
        raise GitError(str(error)) from error


def git_bytes(*arguments: str, folder: Path | str = ".", given: bytes = b"") -> bytes:
    """The same, for file names and contents that need be no text; `given` is what Git reads from its standard input."""
    try:
        return subprocess.run(["git", *arguments], cwd=folder, input=given, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", b"").decode(errors="replace") or str(error)
        raise GitError(" ".join(words.split())) from error
