"""Git, as audit, scenarios and results ask it."""

import subprocess
from pathlib import Path

from sisa.base.errors import BadInput


class GitError(BadInput):
    """Why Git did not do what it was asked, in one line."""


def git(*arguments: str, folder: Path | str = ".") -> str:
    """What `git ARGUMENTS` prints, run in this folder. Raises GitError with Git's own words."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError, UnicodeDecodeError) as error:
        raise GitError(" ".join(str(getattr(error, "stderr", None) or error).split())) from error
    return done.stdout
