"""An erase under way: what was decided before the first change, so that a stopped one goes on as it began."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from sisa.base.files import read_json, write_json
from sisa.erasure.receipts import Item
from sisa.erasure.renewal import Renewal

FILE = Path(".dvc/tmp/erasing/journal.json")


@dataclass(frozen=True)
class Journal:
    """What is asked for, by ids and in words, on which date (ISO 8601), and what it comes to.

    files: the raw files that the images are in; objects: what was found so far; cleared: the hashes of models that were
    proven clean while the tables that prove it were there; renewed: whether the workspace is whole without the images,
    so that only deleting is left.
    """

    dataset: str
    images: list[str]
    asked: str
    reason: str
    date: str
    files: list[str]
    renewal: Renewal
    objects: list[Item] = field(default_factory=list)
    unpullable: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    renewed: bool = False


def write(journal: Journal) -> None:
    write_json(FILE, asdict(journal))


def under_way() -> Journal | None:
    """Raises BadInput where the journal is damaged."""
    return read_json(FILE, Journal) if FILE.exists() else None


def finish() -> None:
    FILE.unlink(missing_ok=True)
