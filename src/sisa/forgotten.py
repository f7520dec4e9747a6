"""The record of a request: what it removed from which shard."""

import json
from dataclasses import dataclass
from pathlib import Path

from sisa.errors import BadInput
from sisa.files import beside


@dataclass(frozen=True)
class Forgotten:
    """The class asked for (None: nothing), the scope, and the ids removed from each affected shard."""

    class_: str | None
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
    record = {"class": forgotten.class_, "scope": forgotten.scope, "removed": forgotten.removed}
    with beside(path) as part:
        part.write_text(json.dumps(record, indent=1) + "\n")


def read(path: Path) -> Forgotten:
    """Raises BadInput when the record is missing or not ours."""
    try:
        record = json.loads(path.read_text())
        return Forgotten(record["class"], record["scope"], record["removed"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{path}: missing or damaged; restore it: dvc checkout {path}, or run: dvc repro unlearn"
        ) from error
