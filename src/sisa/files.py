"""Files go into place by rename: with hard links, writing into an existing file would write into DVC's cache."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sisa.errors import BadInput


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A new file to write next to `path`; it takes the place of `path` at the end, or vanishes on an error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name[:40]}.{os.getpid()}.part")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def write_json(path: Path, content: dict) -> None:
    with beside(path) as part:
        part.write_text(json.dumps(content, indent=1) + "\n")


def read_json(path: Path, keys: set[str] | None = None) -> dict:
    """Raises BadInput when the file is missing, damaged or, where `keys` are given, has others."""
    try:
        content = json.loads(path.read_text())
        if keys and set(content) != keys:
            raise ValueError(f"its keys are not {', '.join(sorted(keys))}")
    except (OSError, ValueError, TypeError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"not ours, or damaged: {error}"
        raise BadInput(f"{path}: {reason}; bring it back with `dvc checkout {path}` or `dvc repro`") from error
    return content
