"""Find everything that holds one of these images or was trained on one, wherever it is stored; and delete it."""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import TypeVar

import yaml
from tqdm import tqdm

from sisa.base.text import printable
from sisa.erasure import contents, lineage
from sisa.erasure.classify import Tainted, classify
from sisa.erasure.contents import ArrayFormat, Content, Formats
from sisa.erasure.stores import WORKSPACE, Blob, Store, is_leftover
from sisa.sources.photo import MEGAPIXELS

READERS = 16  # files that are read side by side
BATCH = 1000  # keys in one deletion, as S3 takes them

# Evidence goes after what it testifies against, so that a removal that was stopped finds the rest again: a shadow
# table is known by the runs that wrote it, a log by the listing that it is in, a checkpoint by the tables.
ORDER = [contents.SHADOWS, contents.LOG, contents.RUN, contents.LISTING, contents.CHECKPOINT]

Result = TypeVar("Result")


@dataclass(frozen=True, order=True)
class Finding:
    """A file and what was found out about it. size: in bytes; images: how many of them it is about, as far as known."""

    store: str
    path: str
    hash: str
    size: int
    kind: str
    why: str
    images: int

    @property
    def line(self) -> str:
        return printable(f"{self.store}: {self.path} ({self.kind}): {self.why}")


@dataclass(frozen=True)
class Survey:
    """findings: what holds one of the images or was trained on one; orphans: models and the like of which nothing tells
    any more what they were trained on, and which no lock of the workspace names; undecided: the rest of what nothing
    can decide about; scanned: files looked at in each store; read: how many of them were opened, the others being the
    same; unpullable: the refs and commits that name what was found; versioned: the stores that keep what is deleted as
    earlier versions, or do not say that they do not; cleared: hashes of what was trained and is clean, to be kept in
    the receipt, as the tables that prove it may go.
    """

    findings: list[Finding]
    orphans: list[Finding]
    undecided: list[Finding]
    scanned: dict[str, int]
    read: int
    unpullable: list[str]
    versioned: list[str]
    cleared: list[str]


def survey(
    ids: Collection[str], places: list[Store], known: Collection[str] = (), cleared: Collection[str] = ()
) -> Survey:
    """Look at everything in these stores for the images with these ids.

    known: hashes that count as found wherever they lie, as those of a removal that was stopped; cleared: those that an
    earlier survey of these images cleared. Raises Unreachable before anything is read where a store does not answer.
    """
    listed = {store: store.blobs() for store in tqdm(places, desc="listing", unit=" stores", disable=None)}
    everything = [(store, blob) for store, blobs in listed.items() for blob in blobs]
    first = {blob.hash: (store, blob) for store, blob in reversed(everything)}
    seen = look_into(first, ids)
    history = lineage.history()
    gone = {*known, *history.erased}
    kinds = {name: content.kind for name, content in seen.items()}
    cleared = {*cleared, *history.cleared(ids)}
    classes = classify(seen | folders(listed), history.runs, gone, cleared, history.named[lineage.HERE])
    findings, orphans, undecided = [], [], []
    for store, blob in everything:
        kind, tainted, why = (each.get(blob.hash) for each in (kinds, classes.tainted, classes.undecided))
        if why and store.name == WORKSPACE and is_leftover(blob):
            tainted = Tainted("an interrupted run left it, cut off")
        about = (tainted.why, len(tainted.ids)) if tainted else (why, 0)
        kept = findings if tainted else orphans if blob.hash in classes.orphans else undecided
        if tainted or why:
            kept.append(Finding(store.name, blob.key, blob.hash, blob.size, kind, *about))
    open_or_gone = classes.tainted.keys() | classes.undecided.keys()
    return Survey(
        sorted(findings),
        sorted(orphans),
        sorted(undecided),
        {store.name: len(blobs) for store, blobs in listed.items()},
        len(first),
        history.naming({*classes.tainted, *classes.orphans, *gone}),
        [store.name for store in places if store.keeps_versions() is not False],
        sorted(name for name, kind in kinds.items() if kind in contents.TRAINED and name not in open_or_gone),
    )


def look_into(first: dict[str, tuple[Store, Blob]], ids: Collection[str]) -> dict[str, Content]:
    """What each file is, by its hash; tables are read whole only where a checkpoint must be told by their slices."""
    formats = formats_here()
    seen = side_by_side(lambda name: contents.inspect(*first[name], ids, formats), first, "looking")
    wanted = {digest for content in seen.values() for digest in content.digests}
    tables = [name for name, content in seen.items() if content.kind == contents.TABLE and wanted]
    return seen | side_by_side(lambda name: contents.with_slices(*first[name], seen[name]), tables, "slices")


def side_by_side(work: Callable[[str], Result], names: Collection[str], what: str) -> dict[str, Result]:
    with ThreadPoolExecutor(READERS) as pool:
        results = tqdm(pool.map(work, names), total=len(names), desc=what, unit=" files", disable=None)
        return dict(zip(names, results, strict=True))


def formats_here() -> Formats:
    """Of the data sets in conf/dataset."""
    sources = [yaml.safe_load(path.read_text())["source"] for path in Path("conf/dataset").glob("*.yaml")]
    wheels = [source for source in sources if source["kind"] == "wheel"]
    arrays = frozenset(ArrayFormat(source["images"]["offset"], tuple(source["shape"])) for source in wheels)
    return Formats(arrays, max(source.get("megapixels", MEGAPIXELS) for source in [*sources, {}]))


def folders(listed: dict[Store, list[Blob]]) -> dict[str, Content]:
    """The folders of the workspace as listings: what lies beside a log there tells of it."""
    result: dict[str, dict[str, str]] = {}
    for blob in (blob for store, blobs in listed.items() if store.name == WORKSPACE for blob in blobs):
        path = PurePosixPath(blob.key)
        result.setdefault(f"{path.parent}/", {})[path.name] = blob.hash
    return {name: Content(contents.LISTING, files=files) for name, files in result.items()}


def remove(findings: Iterable[Finding], places: list[Store]) -> None:
    """Delete what was found.

    Safe to stop and to repeat: what is gone is passed over, and evidence goes last. Raises Unreachable, before
    anything is deleted, where one of the stores cannot be written.
    """
    names = [store.name for store in places]
    turns = {each: (rank(each), names.index(each.store)) for each in findings}
    for number in sorted({number for _, number in turns.values()}):
        places[number].check_writable()
    with tqdm(total=len(turns), desc="deleting", unit=" files", disable=None) as bar:
        for (_, number), those in groupby(sorted(turns, key=turns.get), key=turns.get):
            keys = [each.path for each in those]
            for batch in (keys[start : start + BATCH] for start in range(0, len(keys), BATCH)):
                places[number].delete(batch)
                bar.update(len(batch))


def rank(finding: Finding) -> int:
    return ORDER.index(finding.kind) if finding.kind in ORDER else len(ORDER)
