"""An erase under way: what was decided before the first change, so that a stopped one goes on as it began."""

from dataclasses import asdict, dataclass
from pathlib import Path

from sisa.base.files import read_json, write_json
from sisa.erasure.receipts import Receipt

FILE = Path(".dvc/tmp/erasing/journal.json")


@dataclass(frozen=True)
class Journal:
    """The receipt as far as it is known; renewed: the workspace is whole without the images, only deleting is left."""

    receipt: Receipt
    renewed: bool = False


def write(journal: Journal) -> None:
    write_json(FILE, asdict(journal))


def under_way() -> Journal | None:
    """Raises BadInput where the journal is damaged."""
    return read_json(FILE, Journal) if FILE.exists() else None


def finish() -> None:
    FILE.unlink(missing_ok=True)
