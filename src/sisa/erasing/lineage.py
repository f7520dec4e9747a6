"""Who made what from what: every dvc.lock and .dvc file that Git can still reach, and every run-cache entry.

Content decides wherever it can. Lineage decides about trained outputs that do not say what they saw, or whose training
set is gone, and names the commits, branches and experiments that can no longer be pulled.
"""

import json
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import yaml

from sisa.git import git

# What a trained output was trained on, by stage. Everything else that these stages read adds no image:
#   train_shards        the shard
#   retrain             the retained shard; it resumes from a checkpoint of slices that are in it unchanged, and equals
#                       a member trained from scratch bit for bit (tested, and `make verify` shows it again)
#   reference           the shard less all copies of what forgotten.json lists, resumed likewise
#   baselines           the union, and the union of what is retained
#   shadows             draws its candidates from the shard, from the union and from the test set
TRAINED_ON = {
    "train_shards": ("data/shards/{shard}.parquet",),
    "retrain": ("data/retained/{shard}.parquet",),
    "reference": ("data/shards/{shard}.parquet",),
    "baseline_full": ("data/union.parquet",),
    "baseline_retrained": ("data/union_retained.parquet",),
    "shadows": ("data/shards/{shard}.parquet", "data/union.parquet", "data/test.parquet"),
}
LESS = {"reference": "data/forgotten.json"}  # the stages that leave out what this file lists


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
        try:
            words = [*entry.get("cmd", "").split()[2:], "", ""]
            deps, outs = (
                {each["path"]: each["md5"] for each in entry.get(side) or [] if each.get("md5")}
                for side in ("deps", "outs")
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("neither a lock nor a .dvc file") from error
        return cls(words[0], words[1], deps, outs)

    @property
    def trained_on(self) -> list[str]:
        """The hashes of what its outputs were trained on; none for a stage that trains nothing."""
        wanted = [path.format(shard=self.shard) for path in TRAINED_ON.get(self.stage, ())]
        return [self.deps[path] for path in wanted if path in self.deps]

    @property
    def less(self) -> str | None:
        """The hash of the list of ids that it left out of what it was trained on."""
        return self.deps.get(LESS.get(self.stage, ""))

    @property
    def hashes(self) -> set[str]:
        return {*self.deps.values(), *self.outs.values()}


@dataclass(frozen=True)
class History:
    """Every lock that Git reaches: what ran, the hashes in earlier receipts, and which refs and commits name what."""

    runs: list[Run]
    erased: frozenset[str]
    named: dict[str, set[str]]  # ref, `commit ABC`, `the index` or `the workspace` -> the hashes that its locks name

    def naming(self, hashes: set[str]) -> list[str]:
        """The refs and commits whose locks name one of these: they can no longer be pulled whole."""
        return sorted(name for name, those in self.named.items() if those & hashes)


def history() -> History:
    """Read all of it, from refs of every kind (experiments queued or kept, stashes, remotes), reflogs, index, files."""
    blobs = dict(reversed(line.split(" ", 1)) for line in objects() if " " in line and is_record(line.split(" ", 1)[1]))
    del blobs
    contents = {}
    paths = defaultdict(set)
    for line in objects():
        name, _, path = line.partition(" ")
        if is_record(path):
            paths[path].add(name)
    every = sorted({name for names in paths.values() for name in names})
    texts = dict(zip(every, cat(every), strict=True))
    contents = {name: runs_in(path, texts[name]) for path, names in paths.items() for name in names}
    here = [path for path in tracked_and_new() if Path(path).is_file()]
    in_workspace = {path: runs_in(path, Path(path).read_bytes()) for path in here}
    runs = [run for each in [*contents.values(), *in_workspace.values()] for run in each]
    erased = [receipt_hashes(texts[name]) for path, names in paths.items() if is_receipt(path) for name in names]
    erased += [receipt_hashes(Path(path).read_bytes()) for path in here if is_receipt(path)]
    named = by_commit({name: hashes_of(each) for name, each in contents.items()}, sorted(paths))
    named["the workspace"] = set().union(*map(hashes_of, in_workspace.values()))
    return History(sorted(set_of(runs), key=repr), frozenset().union(*erased), named)
