"""Files go into place by rename: with hard links, writing into an existing file would write into DVC's cache."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from sisa.errors import BadInput

Content = TypeVar("Content")


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


def read_json(path: Path, kind: type[Content]) -> Content:
    """The content of a JSON file as this dataclass, or as `dict`. Raises BadInput when it is missing or not that."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes(), strict=True)
    except (OSError, ValidationError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else "not ours, or damaged"
        raise BadInput(f"{path}: {reason}; bring it back with `dvc checkout --force {path}` or `dvc repro`") from error
