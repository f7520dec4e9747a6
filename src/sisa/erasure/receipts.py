"""The deletion receipt: what was asked for, what was removed where, what could not be reached, and what is left.

It names objects by hash and images by id, and holds no image.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import groupby
from operator import attrgetter
from pathlib import Path

from tabulate import tabulate
from tqdm import tqdm

from sisa.base.files import beside, write_json
from sisa.base.text import number_of, printable
from sisa.erasure import lineage
from sisa.erasure.scan import Finding

FOLDER = Path("receipts")
ORPHANS = "Orphans, which go as well: nothing tells any more what they were trained on, and nothing here needs them"
NEAR_DUPLICATES = (
    "near-duplicates: a flipped, cropped, resized or recompressed copy has other pixels, counts as another image, "
    "and stays unless it is named itself (python src scan --near looks for those in data/raw)"
)
OUT_OF_REACH = (
    "other clones of this repository, their caches, workspaces and stashes",
    "backups, snapshots and file systems that keep what was deleted, and the free blocks of disks",
    "Git's history: no image lies in it, but hashes of what was erased, file names, and scores that models earned",
    "pip's cache and other downloads, and wherever the images came from",
    "remotes that are not in this clone's DVC configuration, and copies outside of this repository",
    NEAR_DUPLICATES,
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
    """date and time: in UTC, ISO 8601; commit: where the workspace was in Git; dataset: whose images were asked for;
    others: data sets whose raw images were among them, too; asked: in words; images: the ids; files: the raw files that
    went, by path; copies: those of them that nobody named; objects: what was removed; orphans: models and the like that
    went with it, as nothing told any more what they were trained on; adopted and trained: the stages whose model
    another one replaced, and the samples of each model that was trained again, by folder; unpullable: commits, branches
    and experiments that name what was erased; out_of_reach: in words; scanned and left: objects looked at in the end,
    and those that still held or had seen one of the images; undecided: files of which nothing tells whether they do,
    and that were left alone; cleared: hashes of models that stay, proven clean by tables that may be gone now.
    """

    date: str
    time: str
    commit: str
    dataset: str
    others: list[str]
    reason: str
    asked: str
    images: list[str]
    files: list[str]
    copies: list[str]
    objects: list[Item]
    orphans: list[Item]
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
    yield f"Deletion receipt, {receipt.time}"
    yield f"\nFor the person who asked: {statement(receipt)}"
    what = f"{number_of(len(receipt.images), 'image')} of {', '.join([receipt.dataset, *receipt.others])}"
    yield f"\nAsked for: {printable(receipt.asked)}, {what}. Reason: {receipt.reason}"
    yield from map("  {}".format, receipt.images)
    yield "\nRemoved:"
    yield summary(receipt.objects)
    yield "Each of them by hash and size: in the .json file beside this one."
    yield from section("Raw files that went", receipt.files)
    yield from section("Of these, copies that nobody named: they had the same pixels", receipt.copies)
    if receipt.orphans:
        yield f"\n{ORPHANS}:"
        yield summary(receipt.orphans)
    yield from section("Stages whose model was replaced by the retrained one", receipt.adopted)
    trained = [f"{model}: {number_of(samples, 'sample')}" for model, samples in receipt.trained.items()]
    yield from section("Models trained again", trained)
    unpullable = lineage.in_short(receipt.unpullable)
    yield from section("Can no longer be pulled, they name what was erased (commits: see the .json file)", unpullable)
    yield from section("Out of reach, and not looked at", receipt.out_of_reach)
    counted = ", ".join(f"{store} {count:,}" for store, count in receipt.scanned.items())
    yield f"\nScan afterwards: {receipt.left:,} objects and files hold an erased image or were trained on one;"
    yield f"looked at: {counted}."
    yield from section("Left alone, because nothing tells what is in it", receipt.undecided)
    tools = ", ".join(f"{name} {version}" for name, version in receipt.tools.items())
    yield f"\nDone at commit {receipt.commit}, with {tools}."


def statement(receipt: Receipt) -> str:
    """What was erased, when, what was looked into, and what is out of reach, for somebody who knows no Git."""
    files, stores = number_of(sum(receipt.scanned.values()), "file"), ", ".join(receipt.scanned)
    unsure = f", but for {len(receipt.undecided):,} that cannot be told, listed below" if receipt.undecided else ""
    return (
        f"{number_of(len(receipt.images), 'image')} of the data set {receipt.dataset}, listed below, "
        f"{'was' if len(receipt.images) == 1 else 'were'} erased for good on {receipt.date}: the pictures themselves, "
        "all copies of them with the same pixels, and all models that were trained on one of them. Afterwards "
        f"everything that this project stores here was looked into ({files} in: {stores}). None of these files "
        f"holds one of the images, and no model there was trained on one{unsure}. Copies elsewhere are out of reach, "
        "and near-duplicates, such as cropped or flipped copies, stay: see the list below."
    )


def section(title: str, entries: list[str]) -> Iterator[str]:
    yield f"\n{title}:" + ("" if entries else " none")
    yield from (f"  {printable(entry)}" for entry in entries)


def summary(objects: Iterable[Item | Finding]) -> str:
    """A table of counts and sizes by store and kind."""
    where = attrgetter("store", "kind")
    rows = []
    for place, those in groupby(sorted(objects, key=where), key=where):
        sizes = [item.size for item in those]
        rows.append((*place, len(sizes), tqdm.format_sizeof(sum(sizes), "B")))
    return tabulate(rows, headers=["where", "what", "number", "size"])
