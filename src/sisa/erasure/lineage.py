"""Who made what from what: every dvc.lock and .dvc file that Git can still reach, and every run-cache entry.

Content decides wherever it can. Lineage decides about trained outputs that do not say what they saw, or whose training
set is gone, and names the commits, branches and experiments that can no longer be pulled.
"""

import io
import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from sisa.repository import lock
from sisa.repository.git import git, git_bytes

QUEUE = "refs/exps/celery/stash"
HASH = re.compile(r"[0-9a-f]{32}(\.dir)?")
COMMIT = "commit "
HERE = "the workspace"

# What a trained output was trained on, by stage. Everything else that these stages read adds no image:
#   train_shards        the shard
#   retrain             the retained shard; it resumes from a checkpoint of slices that are in it unchanged, and equals
#                       a member trained from scratch bit for bit (tested, and `make verify` shows it again)
#   retrain_exact       the shard less all copies of what forget_set.json lists, resumed likewise; `reference` and
#                       forgotten.json are what they were called in version 0.1
#   baselines           the union, and the union of what is retained; baseline_leaked a part of the union, of which it
#                       leaves the table beside its model
#   approximate         the union, of which every shard has a part: its models start from those that saw all of it
#   shadows             the shard and the candidates; before there was a table of these, it drew them itself, from the
#                       union and the test set
TRAINED_ON = {
    "train_shards": ("data/shards/{shard}.parquet",),
    "retrain": ("data/retained/{shard}.parquet",),
    "retrain_exact": ("data/shards/{shard}.parquet",),
    "reference": ("data/shards/{shard}.parquet",),
    "baseline_full": ("data/union.parquet",),
    "baseline_retrained": ("data/union_retained.parquet",),
    "baseline_leaked": ("data/union.parquet",),
    "approximate": ("data/union.parquet",),
    "shadows": ("data/shards/{shard}.parquet", "data/candidates.parquet"),
}
DRAWN_FROM = ("data/shards/{shard}.parquet", "data/union.parquet", "data/test.parquet")
# The stages that leave out what this file lists
LESS = {"retrain_exact": "data/forget_set.json", "reference": "data/forgotten.json"}


@dataclass(frozen=True)
class Run:
    """A stage as it ran: its words, and the hash of each path that it read and wrote."""

    stage: str
    shard: str
    deps: dict[str, str]
    outs: dict[str, str]

    @classmethod
    def of(cls, entry: dict) -> Self:
        """From an entry of dvc.lock, of a run-cache or, without a command, of a .dvc file. Raises ValueError."""
        known = lock.Entry.model_validate(entry)
        words = [*known.cmd.split()[2:], "", ""]
        deps, outs = ({each.path: each.md5 for each in side if each.md5} for side in (known.deps, known.outs))
        return cls(words[0], words[1], deps, outs)

    @property
    def training_tables(self) -> list[str]:
        """The paths of what its outputs were trained on; none for a stage that trains nothing."""
        drew = self.stage == "shadows" and "data/candidates.parquet" not in self.deps
        return [path.format(shard=self.shard) for path in (DRAWN_FROM if drew else TRAINED_ON.get(self.stage, ()))]

    @property
    def trained_on(self) -> list[str]:
        """The hashes of these, as far as the run has them."""
        return [self.deps[path] for path in self.training_tables if path in self.deps]

    @property
    def less(self) -> str | None:
        """The hash of the list of ids that it left out of what it was trained on."""
        return self.deps.get(LESS.get(self.stage, ""))

    @property
    def hashes(self) -> set[str]:
        return {*self.deps.values(), *self.outs.values()}


@dataclass(frozen=True)
class Receipt:
    """What an earlier removal left in writing: the ids of its images, the hashes of what was erased, and of what was
    trained, was proven clean of these images, and stays, though the tables that proved it are gone.
    """

    images: frozenset[str]
    erased: frozenset[str]
    cleared: frozenset[str]


@dataclass(frozen=True)
class History:
    """Every lock that Git reaches: what ran, earlier receipts, and which refs and commits name what."""

    runs: list[Run]
    receipts: list[Receipt]
    named: dict[str, set[str]]  # ref, `commit ABC`, `the index` or `the workspace` -> the hashes that its locks name

    @property
    def erased(self) -> set[str]:
        """The hashes that any receipt names as erased."""
        return set().union(*(receipt.erased for receipt in self.receipts))

    def cleared(self, ids: Collection[str]) -> set[str]:
        """The hashes that receipts about all of these images name as clean."""
        return set().union(*(receipt.cleared for receipt in self.receipts if receipt.images.issuperset(ids)))

    def naming(self, hashes: set[str]) -> list[str]:
        """The refs and commits whose locks name one of these: they can no longer be pulled whole."""
        return sorted(name for name, those in self.named.items() if those & hashes)


def in_short(names: list[str]) -> list[str]:
    """What `History.naming` gives, for people: refs by name, and how many commits."""
    refs = [name for name in names if not name.startswith(COMMIT)]
    return refs if len(refs) == len(names) else [*refs, f"commits: {len(names) - len(refs):,}"]


def history() -> History:
    """Read all of it, from refs of every kind (experiments kept or queued, stashes, remotes), reflogs, index and files.

    Raises GitError outside of a repository.
    """
    paths = recorded_paths()
    names = sorted(set().union(*paths.values()))
    texts = dict(zip(names, blob_texts(names), strict=True))
    found = [(path, HERE, Path(path).read_bytes()) for path in recorded_here()]
    found += [(path, name, texts[name]) for path, those in paths.items() for name in those]
    runs = [(name, run) for path, name, text in found if not is_receipt(path) for run in runs_in(text)]
    receipts = [receipt_in(text) for path, _, text in found if is_receipt(path)]
    hashes = defaultdict(set)
    for name, run in runs:
        hashes[name] |= run.hashes
    named = named_by_revision(hashes, sorted(paths)) | {HERE: hashes[HERE]}
    return History([run for _, run in runs], [receipt for receipt in receipts if receipt], named)


def recorded_paths() -> dict[str, set[str]]:
    """The blobs of each lock, .dvc file and receipt, by path, in all that Git reaches."""
    paths = defaultdict(set)
    # the stash that queues experiments is reached by its reflog alone
    for line in git("rev-list", "--objects", "--all", "--reflog", "--indexed-objects").splitlines():
        name, _, path = line.partition(" ")
        if is_record(path):
            paths[path].add(name)
    return paths


def recorded_here() -> list[str]:
    """The same files in the workspace, new ones included."""
    patterns = ["*dvc.lock", "*.dvc", "receipts/*.json"]
    listed = git("ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns).split("\0")
    return sorted({path for path in listed if is_record(path) and Path(path).is_file()})


def is_record(path: str) -> bool:
    return Path(path).name == "dvc.lock" or path.endswith(".dvc") or is_receipt(path)


def is_receipt(path: str) -> bool:
    return path.startswith("receipts/") and path.endswith(".json")


def blob_texts(names: list[str]) -> Iterator[bytes]:
    """The contents of these blobs, from one process."""
    output = io.BytesIO(ask_git("--batch", names))
    for _ in names:
        size = int(output.readline().split()[2])
        yield output.read(size)
        output.read(1)


def named_by_revision(hashes: dict[str, set[str]], paths: list[str]) -> dict[str, set[str]]:
    """The hashes that each ref and each commit names; hashes: by blob."""
    revisions = {ref: label(ref) for ref in git("for-each-ref", "--format=%(refname)").splitlines()}
    revisions |= {name: f"{COMMIT}{name[:10]}" for name in git("rev-list", "--all", "--reflog").split()}
    asked = [(revision, path) for revision in revisions for path in paths]
    answers = ask_git("--batch-check=%(objectname)", [f"{revision}:{path}" for revision, path in asked])
    named = defaultdict(set)
    for (revision, _), answer in zip(asked, answers.decode().splitlines(), strict=True):
        named[revisions[revision]] |= hashes.get(answer, set())
    return dict(named)


def label(ref: str) -> str:
    """A ref in words."""
    for start, kind in {"refs/heads/": "branch", "refs/tags/": "tag", "refs/remotes/": "remote branch"}.items():
        if ref.startswith(start):
            return f"{kind} {ref.removeprefix(start)}"
    if ref.startswith("refs/exps/") and ref.count("/") > 3:  # refs/exps/AB/REST of a commit/NAME
        return f"experiment {ref.split('/', 4)[4]}"
    return "queued experiments" if ref == QUEUE else ref


def ask_git(how: str, lines: list[str]) -> bytes:
    return git_bytes("cat-file", how, given="".join(f"{line}\n" for line in lines).encode())


def runs_in(text: bytes) -> list[Run]:
    """The runs that a dvc.lock or a .dvc file tells of; none where it is damaged."""
    try:
        content = lock.load(text)
        return [Run.of(entry) for entry in content["stages"].values()] if "stages" in content else [Run.of(content)]
    except (AttributeError, ValueError):
        return []


def receipt_in(text: bytes) -> Receipt | None:
    """A receipt, what it calls by path left out; None where it is none of ours."""
    try:
        content = json.loads(text)
        erased = frozenset(each["hash"] for each in content["objects"] if HASH.fullmatch(each["hash"]))
        return Receipt(frozenset(content.get("images", [])), erased, frozenset(content.get("cleared", [])))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
