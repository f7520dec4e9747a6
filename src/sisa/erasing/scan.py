"""Find everything that holds images in question, or was trained on them; and delete it.

An object is judged by its bytes. What bytes cannot tell, such as a training log, follows from how it was made: see
`lineage`. Objects are known by their MD5, so one that was found here is known everywhere.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from sisa.common.params import Dataset, load
from sisa.erasing import lineage
from sisa.erasing.contents import Content, judge
from sisa.erasing.lineage import Made
from sisa.erasing.stores import Blob, Store, forget_indexes

READERS = 16  # objects of a remote that are read side by side
RUN = "run-cache entry"


@dataclass(frozen=True, order=True)
class Finding:
    """Something that holds an image in question, or was trained on one: where, and what it is; size in bytes."""

    store: str
    path: str
    hash: str
    size: int
    kind: str
    why: str


@dataclass(frozen=True)
class Survey:
    """findings; scanned: objects and files looked at in each store; undecided: models of which nothing says what they
    saw; unpullable: see lineage; versioned: stores that keep what is deleted as earlier versions.
    """

    findings: list[Finding]
    scanned: dict[str, int]
    undecided: list[str]
    unpullable: list[str]
    versioned: list[str]


def survey(ids: Collection[str], places: list[Store], known: Collection[str] = ()) -> Survey:
    """Look at every object in every store. known: MD5s that are found wherever they lie, whatever is left to prove it.

    Raises BadInput where a store cannot be reached.
    """
    listed = {store: store.blobs() for store in places}
    contents, runs = read(listed, ids, [load().dataset])
    locks = lineage.read_locks()
    made = locks.made | lineage.of_run_cache(runs.values())
    why = judged(contents, made, set(ids)) | dict.fromkeys([*known, *receipted(ids)], "removed before")
    findings = []
    for store, found in listed.items():
        for place in found:
            key = key_of(store, place)
            if place.hash in why or any(md5 in runs.get(key, b"").decode(errors="replace") for md5 in why):
                kind = contents[key].kind if key in contents else RUN
                reason = why.get(place.hash, "names what was found")
                findings.append(Finding(store.name, place.key, place.hash, place.size, kind, reason))
    return Survey(
        sorted(findings),
        {store.name: len(found) for store, found in listed.items()},
        sorted(undecided(contents, made, why)),
        lineage.unpullable(locks, why),
        [store.name for store in places if store.keeps_versions()],
    )


def read(
    listed: dict[Store, list[Blob]], ids: Collection[str], datasets: Collection[Dataset]
) -> tuple[dict[str, Content], dict[str, bytes]]:
    """What is in each object, by MD5, each read once; and the entries of run-caches as they are."""
    first: dict[str, tuple[Store, Blob]] = {}
    for store, found in listed.items():
        for place in found:
            first.setdefault(key_of(store, place), (store, place))

    def look(item: tuple[str, tuple[Store, Blob]]) -> tuple[str, Content, bytes]:
        key, (store, place) = item
        content = store.read(place.key)
        return key, judge(content, ids, datasets), content if place.key.startswith("runs/") else b""

    with ThreadPoolExecutor(READERS) as pool:
        bar = tqdm(pool.map(look, first.items()), total=len(first), desc="scanning", unit=" objects", disable=None)
        seen = list(bar)
    return {key: content for key, content, entry in seen if not entry}, {key: entry for key, _, entry in seen if entry}


def judged(contents: dict[str, Content], made: Iterable[Made], ids: set[str]) -> dict[str, str]:
    """Why, by the MD5 of each object that holds an image in question or was trained on one."""
    touched = set().union(*(each.touched for each in contents.values()))
    why = {md5: f"holds or names {len(each.ids):,} of the images" for md5, each in contents.items() if each.ids}
    why |= {md5: "trained on them" for md5, each in contents.items() if touched & set(each.seen)}
    trained = {each.out for each in made if saw(each, contents)}
    for md5, each in contents.items():
        if each.files and set(each.files.values()) & why.keys():
            why[md5] = "lists what was found"
    why |= {md5: "trained on them" for md5 in trained if md5 in contents}
    clean = {file for md5, each in contents.items() if md5 not in why for file in each.files.values()}
    for md5, each in contents.items():
        if each.files and md5 in why:
            for file in each.files.values():
                if file in contents and contents[file].kind == "training log" and file not in clean:
                    why[file] = "log of training on them"
    return why


def saw(each: Made, contents: dict[str, Content]) -> bool:
    """Whether an output was trained on an image in question."""
    held = set().union(*(contents[md5].ids for md5 in each.trained_on if md5 in contents))
    left_out = set().union(*(contents[md5].ids for md5 in each.without if md5 in contents))
    return bool(held - left_out)


def undecided(contents: dict[str, Content], made: Iterable[Made], why: dict[str, str]) -> Iterable[str]:
    """The checkpoints that saw a slice which no stored table has, and that nothing else decides."""
    known = set().union(*(each.known for each in contents.values()))
    decided = {each.out for each in made if each.trained_on & contents.keys()}
    files = {file for md5, each in contents.items() if md5 in decided for file in each.files.values()}
    for md5, each in contents.items():
        if each.kind == "checkpoint" and md5 not in why and md5 not in files and not known.issuperset(each.seen):
            yield md5


def receipted(ids: Collection[str]) -> set[str]:
    """The hashes that the receipts of these images name."""
    found = set()
    for path in Path("receipts").glob("*.json"):
        content = json.loads(path.read_text())
        if set(ids) & set(content["images"]):
            found |= {each["hash"] for each in content["objects"]}
    return found


def remove(findings: Iterable[Finding], places: list[Store]) -> None:
    """Delete what was found. Safe to repeat: what is gone is passed over. Raises BadInput where a store refuses."""
    of_store = defaultdict(list)
    for finding in findings:
        of_store[finding.store].append(finding.path)
    forget_indexes(places)
    for store in places:
        if of_store[store.name]:
            store.delete(of_store[store.name])
    forget_indexes(places)


def key_of(store: Store, blob: Blob) -> str:
    """What is read once: an object wherever it lies, and each entry of a run-cache by itself."""
    return f"{store.name}/{blob.key}" if blob.hash == blob.key else blob.hash


def summary(findings: Iterable[Finding]) -> list[dict]:
    """Counts and sizes by store and kind, to be printed."""
    numbers, sizes = Counter(), Counter()
    for each in findings:
        numbers[each.store, each.kind] += 1
        sizes[each.store, each.kind] += each.size
    return [
        {"where": store, "what": kind, "number": number, "size": tqdm.format_sizeof(sizes[store, kind], "B")}
        for (store, kind), number in sorted(numbers.items())
    ]
