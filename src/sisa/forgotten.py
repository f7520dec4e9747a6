"""The record of a request: what was asked for, and what that removed from which shard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from sisa.common.files import read_json, write_json


@dataclass(frozen=True)
class Forgotten:
    """What was asked for, a class (None: none), a scope and image ids, and the ids removed from each affected shard."""

    class_: Annotated[str | None, Field(alias="class")]
    scope: str
    images: list[str]
    removed: dict[str, list[str]]

    @property
    def affected(self) -> list[str]:
        """The shards that lost at least one image."""
        return list(self.removed)

    @property
    def ids(self) -> list[str]:
        """The forgotten images, each once, sorted."""
        return sorted({image for ids in self.removed.values() for image in ids})


def write(path: Path, forgotten: Forgotten) -> None:
    content = {"class": forgotten.class_, "scope": forgotten.scope}
    write_json(path, content | {"images": forgotten.images, "removed": forgotten.removed})


def read(path: Path) -> Forgotten:
    """Raises BadInput when the record is missing or not ours."""
    return read_json(path, Forgotten)
