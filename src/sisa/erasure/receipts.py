"""The deletion receipt: what was asked for, what was removed where, what could not be reached, and what is left.

It names objects by hash and images by id, and holds no image. Two erases that removed the same have the same bytes.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from sisa.base.files import beside, write_json
from sisa.erasure import lineage

FOLDER = Path("receipts")
OUT_OF_REACH = (
    "other clones of this repository, their caches, workspaces and stashes",
    "backups, snapshots and file systems that keep what was deleted, and the free blocks of disks",
    "Git's history: no image lies in it, but hashes of what was erased, file names, and scores that models earned",
    "pip's cache and other downloads, and wherever the images came from",
    "remotes that are not in this clone's DVC configuration, and copies outside of this repository",
)


@dataclass(frozen=True, order=True)
class Item:
    """Something that was removed: where from, its hash or path there, its size in bytes, and what it was."""

    store: str
    hash: str
    size: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """date: ISO 8601; asked: in words; images: the ids; files: the raw files that they were in; objects: what was
    removed; adopted and trained: the stages whose model another one replaced, and the samples of each model that was
    trained again, by folder; unpullable: commits, branches and experiments that name what was erased; out_of_reach: in
    words; scanned and left: objects looked at in the end, and those that still held or had seen one of the images;
    undecided: files of which nothing tells whether they do, and that were left alone; cleared: hashes of models that
    stay, proven clean by tables that may be gone now.
    """

    date: str
    dataset: str
    reason: str
    asked: str
    images: list[str]
    files: list[str]
    objects: list[Item]
    adopted: list[str]
    trained: dict[str, int]
    unpullable: list[str]
    out_of_reach: list[str] = field(default_factory=list)  # this, and what only the last scan tells
    scanned: dict[str, int] = field(default_factory=dict)
    left: int = 0
    undecided: list[str] = field(default_factory=list)
    cleared: list[str]
    tools: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Without its extension."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        return FOLDER / f"{self.date}-{digest[:8]}"


def write(receipt: Receipt) -> list[Path]:
    """The receipt as JSON, for programs, and as text, for people. Safe to repeat."""
    text, data = receipt.path.with_suffix(".txt"), receipt.path.with_suffix(".json")
    with beside(text) as part:
        part.write_text("\n".join(lines(receipt)) + "\n")
    write_json(data, asdict(receipt))
    return [data, text]


def lines(receipt: Receipt) -> Iterator[str]:
    """The receipt as people read it."""
    yield f"Deletion receipt, {receipt.date}"
    yield f"\nAsked for: {receipt.asked}, {len(receipt.images):,} images of {receipt.dataset}. Reason: {receipt.reason}"
    yield from map("  {}".format, receipt.images)
    yield "\nRemoved:"
    yield summary(receipt.objects)
    yield "Each of them by hash and size: in the .json file beside this one."
    yield from section("Raw files that the images were in", receipt.files)
    yield from section("Stages whose model was replaced by the retrained one", receipt.adopted)
    trained = [f"{model}: {samples:,} samples" for model, samples in receipt.trained.items()]
    yield from section("Models trained again", trained)
    unpullable = lineage.in_short(receipt.unpullable)
    yield from section("Can no longer be pulled, they name what was erased (commits: see the .json file)", unpullable)
    yield from section("Out of reach, and not looked at", receipt.out_of_reach)
    counted = ", ".join(f"{store} {count:,}" for store, count in receipt.scanned.items())
    yield f"\nScan afterwards: {receipt.left:,} objects and files hold an erased image or were trained on one;"
    yield f"looked at: {counted}."
    yield from section("Left alone, because nothing tells what is in it", receipt.undecided)
    yield f"\nDone with {', '.join(f'{name} {version}' for name, version in receipt.tools.items())}."


def section(title: str, entries: list[str]) -> Iterator[str]:
    yield f"\n{title}:" + ("" if entries else " none")
    yield from map("  {}".format, entries)


def summary(objects: list[Item]) -> str:
    """A table of counts and sizes by store and kind."""
    where = attrgetter("store", "kind")
    rows = []
    for place, those in groupby(sorted(objects, key=where), key=where):
        sizes = [item.size for item in those]
        rows.append((*place, len(sizes), tqdm.format_sizeof(sum(sizes), "B")))
    return tabulate(rows, headers=["where", "what", "number", "size"])
