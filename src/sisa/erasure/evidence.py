"""Which receipt tells of an erased image."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sisa.base.errors import BadInput
from sisa.erasure.receipts import FOLDER


@dataclass(frozen=True)
class Erased:
    """What any version's receipt says: the data set, and the ids of its images that were erased."""

    dataset: str
    images: list[str]


def by_image(dataset: str) -> dict[str, Path]:
    """The latest receipt of each erased image of a data set, by its id. Raises BadInput where a receipt is damaged."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        try:
            receipt = TypeAdapter(Erased).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise BadInput(f"{path}: no receipt of ours, or damaged; restore it: git checkout {path}") from error
        if receipt.dataset == dataset:
            found |= dict.fromkeys(receipt.images, path)
    return found
