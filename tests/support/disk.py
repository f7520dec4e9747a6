"""A disk that is full."""

import os
import shutil
from pathlib import Path


def fill(file: Path, left: int = 0) -> None:
    """Make this file take all the room on its disk but for `left` bytes."""
    with file.open("wb") as open_file:
        os.posix_fallocate(open_file.fileno(), 0, shutil.disk_usage(file.parent).free - left)
