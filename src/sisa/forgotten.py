"""The record of a request: what it removed from which shard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from sisa.files import read_json, write_json


@dataclass(frozen=True)
class Forgotten:
    """The class asked for (None: nothing), the scope, and the ids removed from each affected shard."""

    class_: Annotated[str | None, Field(alias="class")]
    scope: str
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
    write_json(path, {"class": forgotten.class_, "scope": forgotten.scope, "removed": forgotten.removed})


def read(path: Path) -> Forgotten:
    """Raises BadInput when the record is missing or not ours."""
    return read_json(path, Forgotten)
