"""`make verify`: train every served member again, from scratch on its retained shard, and compare with dvc.lock.

Nothing needs to be pulled, and no weights need to be there: in a fresh clone it prepares and splits the images itself.
In exact precision the bytes are the same on every machine, so anyone can prove what somebody else has published.
"""

import argparse
import tempfile
from pathlib import Path

from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import EXACT, Params, load
from sisa.data import tables
from sisa.data.images import Shard
from sisa.repository import lock
from sisa.repository.dvc import dvc_in_sight
from sisa.repository.git import git
from sisa.repository.lock import LOCK, Entry, measured
from sisa.training.fit import fit

PROVED = """\
Proved: each of these members is, byte for byte, what training from scratch on its retained shard gives, and its hash is
the one in {source}. So it is as if what was forgotten had never been there, under two conditions: the images are those
given here, and nobody chose what to forget by looking at the models (docs/unlearning.md).
Not looked at: whether the retained shards lack what was to be forgotten (make audit)."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("members", nargs="*", metavar="MEMBER", help="only these; all by default")
    parser.add_argument("--against", metavar="COMMIT", help=f"whose {LOCK} to compare with, not the one here")


def main(options: argparse.Namespace) -> None:
    params = load()
    names = options.members or params.shards
    if unknown := set(names) - set(params.shards):
        raise BadInput(f"there is no member {', '.join(sorted(unknown))}; choose from {', '.join(params.shards)}")
    published = published_by(options.against)
    if not paths.RETAINED.is_dir():
        dvc_in_sight("repro", "unlearn")
    Path("models").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".verify-", dir="models") as scratch:
        rows = [verify(name, Path(scratch, name), published, params) for name in names]
    print(tabulate(rows, headers="keys"))
    if wrong := [row["member"] for row in rows if row["verdict"] != AS_PUBLISHED]:
        how = "`make audit` says whether a file has changed since the run"
        if params.train.precision != EXACT:
            how += f"; precision {params.train.precision} gives the same bytes on one kind of machine only"
        raise BadInput(f"not proved: {', '.join(wrong)}; {how}")
    print(PROVED.format(source=f"{LOCK} of {options.against}" if options.against else LOCK))


AS_PUBLISHED = "as from scratch"


def published_by(commit: str | None) -> dict[str, Entry]:
    """The stages in dvc.lock, here or as committed. Raises BadInput where there is none, or no lock."""
    if commit is None:
        return lock.read()
    try:
        return lock.parsed(git("show", f"{commit}:./{LOCK}"))
    except ValueError as error:
        raise BadInput(f"{LOCK} of {commit}: damaged") from error


def verify(name: str, scratch: Path, published: dict[str, Entry], params: Params) -> dict[str, str]:
    """One row of the table: a member trained from scratch, beside the published hash, and what is to be said of it."""
    source, member = paths.RETAINED / f"{name}.parquet", paths.retrained(params) / name
    retained = tables.read(source, Shard)
    fit(scratch, name, retained, retained.slices, params.slices, params)
    given, hashes = hashes_of(published, f"retrain@{name}")
    shard, expected, found = measured(source).md5, hashes.get(str(member), "none"), measured(scratch).md5
    verdict = AS_PUBLISHED
    if given.get(str(source)) != shard:
        verdict = f"ANOTHER retained shard than {given.get(str(source), 'none')[:12]}"
    elif found != expected:
        verdict = "DIFFERS from scratch"
    elif member.is_dir() and measured(member).md5 != expected:
        verdict = "as from scratch, but NOT what lies in its folder"
    weights = {"published": expected[:12], "from scratch": found[:12]}
    return {"member": name, "retained shard": shard[:12], "images": len(retained)} | weights | {"verdict": verdict}


def hashes_of(published: dict[str, Entry], stage: str) -> tuple[dict[str, str], dict[str, str]]:
    """The hashes of what a stage read and wrote, by path; none of a stage without an entry."""
    entry = published.get(stage, Entry())
    return tuple({file.path: file.md5 or "none" for file in files} for files in (entry.deps, entry.outs))
