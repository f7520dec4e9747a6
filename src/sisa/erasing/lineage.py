"""What Git and the run-cache say of how an object was made, in each commit of any branch, tag or experiment."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from sisa.git import git

# The images that a stage trains on: from what else it reads, no image goes into its weights. `retrain` reads the member
# as trained too, but resumes from a slice that the request left untouched, which its checkpoints prove by themselves.
TRAINED_ON = {
    "train_shards": ("data/shards/",),
    "retrain": ("data/retained/",),
    "baseline_full": ("data/union.parquet",),
    "baseline_retrained": ("data/union_retained.parquet",),
    "reference": ("data/shards/",),
    "shadows": ("data/shards/", "data/union.parquet", "data/test.parquet"),
}
WITHOUT = {"reference": "data/forgotten.json"}  # the images that a stage leaves out of those


@dataclass(frozen=True)
class Made:
    """An output, by its MD5 as DVC writes it, and the MD5s of what it was trained on, and of what that leaves out."""

    out: str
    trained_on: frozenset[str]
    without: frozenset[str] = frozenset()


@dataclass
class Locks:
    """The outputs of training in all locks, and every MD5 that the locks of a commit name, by commit."""

    made: set[Made] = field(default_factory=set)
    named: dict[str, set[str]] = field(default_factory=dict)


def read_locks() -> Locks:
    """From every commit that a reference reaches, and from the workspace."""
    locks, known = Locks(), {}
    for commit in git("rev-list", "--all", "HEAD").split():
        named = set()
        for line in git("ls-tree", "-r", commit, "--", "dvc.lock", "data/raw").splitlines():
            (_, _, blob), name = line.split("\t")[0].split(), line.split("\t")[1]
            if name == "dvc.lock" or name.endswith(".dvc"):
                if blob not in known:
                    known[blob] = hashes_and_made(git("cat-file", "blob", blob))
                named |= known[blob][0]
        locks.named[commit] = named
    locks.made = set().union(*(made for _, made in known.values()))
    if Path("dvc.lock").exists():
        locks.made |= hashes_and_made(Path("dvc.lock").read_text())[1]
    return locks


def hashes_and_made(text: str) -> tuple[set[str], set[Made]]:
    """Every MD5 in a dvc.lock or .dvc file, and what its stages made; of a file that is neither, nothing."""
    try:
        content = yaml.load(text, Loader=yaml.CSafeLoader)
        stages = content.get("stages", {})
        outs = [out for entry in [content, *stages.values()] for out in entry.get("outs", [])]
        made = set().union(*(makes(entry) for entry in stages.values()))
    except (yaml.YAMLError, AttributeError, TypeError, KeyError):
        return set(), set()
    return {out["md5"] for out in outs if "md5" in out}, made


def makes(entry: dict) -> set[Made]:
    """What a stage's entry in dvc.lock or in the run-cache made by training."""
    stage = entry.get("cmd", "").split()[2:3]  # python src STAGE
    inputs = TRAINED_ON.get(stage[0], ()) if stage else ()
    deps = {dep["path"]: dep.get("md5", "") for dep in entry.get("deps", [])}
    trained_on = frozenset(md5 for path, md5 in deps.items() if path.startswith(inputs))
    without = frozenset(md5 for path, md5 in deps.items() if path == WITHOUT.get(stage[0])) if stage else frozenset()
    outs = [out["md5"] for out in entry.get("outs", []) if "md5" in out and not out["path"].endswith(".json")]
    return {Made(out, trained_on, without) for out in outs} if inputs else set()


def unpullable(locks: Locks, tainted: Collection[str]) -> list[str]:
    """The branches, tags and experiments whose tip names a tainted object, and how many commits do."""
    commits = {commit for commit, named in locks.named.items() if named & set(tainted)}
    names = [name for name, commit in tips() if commit in commits]
    return [*names, f"{len(commits):,} commits in all"] if commits else []


def tips() -> Iterator[tuple[str, str]]:
    for line in git("for-each-ref", "--format=%(objectname) %(*objectname) %(refname)").splitlines():
        *commits, name = line.split()
        yield name, commits[-1]


def of_run_cache(entries: Iterable[bytes]) -> set[Made]:
    made = set()
    for content in entries:
        try:
            made |= makes(yaml.load(content, Loader=yaml.CSafeLoader))
        except (yaml.YAMLError, AttributeError, TypeError, KeyError):
            continue
    return made
