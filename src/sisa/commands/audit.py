"""`make audit`: prove from dvc.lock, the shards and the weights in place that what was to be forgotten is gone.

It walks weights <- retained shard <- shard and request, and computes every hash on the way again. That the weights are
what training on the retained shard gives is for `make verify`.
"""

import argparse
import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Shard
from sisa.erasure.renewal import same
from sisa.repository import lock
from sisa.repository.git import GitError, git
from sisa.sources import roster
from sisa.training import checkpoints, provenance
from sisa.unlearning import forget_set, requests
from sisa.unlearning.forget_set import ForgetSet, covered, forget


def main(_: argparse.Namespace) -> None:
    params = load()
    dataset = params.dataset.name
    named = requests.resolve(paths.REQUESTS, dataset, paths.datasets(), roster.read(paths.roster(dataset)))
    disagree = partial(lock.problems, lock.read(), lock.declared())
    found = [*disagree("split"), *disagree("unlearn")]
    try:
        append_only = f"{paths.REQUESTS}: it is append-only, put this line back as it was"
        found += [f"{append_only}: {line}" for line in withdrawn(paths.REQUESTS)]
    except GitError as error:
        print(f"notice: whether a request was taken out of {paths.REQUESTS} was not checked: {error}")
    shards = tables.read_shards(paths.SHARDS, params.shards)
    expected, request = forget(shards, params.forget.class_, params.forget.scope, requests.due(named))
    if forget_set.read(paths.FORGET_SET) != request:
        found.append(f"{paths.FORGET_SET}: not what the request removes from the shards")
    rows = []
    for name in params.shards:
        retained = tables.read(paths.RETAINED / f"{name}.parquet", Shard)
        wrong = [
            *disagree(f"train_shards@{name}"),
            *disagree(f"retrain@{name}"),
            *content_problems(name, retained, expected[name], request),
            *member_problems(name, retained, name in request.affected, params),
        ]
        rows.append(link(name, retained, request, params) | {"": "FAILED" if wrong else "holds"})
        found += wrong
    print(f"forgotten: {asked_for(request)}")
    print(tabulate(rows, headers="keys"))
    conclude(list(dict.fromkeys(found)), request, sum(row["residual copies"] for row in rows))


def withdrawn(path: Path) -> list[str]:
    """The lines of any committed version of the file that it has no longer."""
    if git("rev-parse", "--is-shallow-repository").strip() != "false":
        raise GitError("this is a shallow clone; git fetch --unshallow")
    present, gone = set(path.read_text().splitlines()), {}
    for commit in git("rev-list", "--full-history", "HEAD", "--", str(path)).split():
        if git("ls-tree", "--name-only", commit, "--", str(path)):
            lines = git("show", f"{commit}:./{path}").splitlines()
            gone |= dict.fromkeys(line for line in lines if line not in present)
    return list(gone)


def content_problems(name: str, retained: Shard, expected: Shard, request: ForgetSet) -> Iterator[str]:
    """Where a retained shard is not its shard less the request."""
    path = paths.RETAINED / f"{name}.parquet"
    if count := int(covered(retained, request.class_, request.scope, request.images).sum()):
        yield f"{path}: holds {count} images that the request covers"
    if not same(retained, expected):
        yield f"{path}: not {paths.SHARDS / path.name} less the request"


def member_problems(name: str, retained: Shard, affected: bool, params: Params) -> Iterator[str]:
    """Where a served member, or one of its checkpoints, says that it saw other images than those retained."""
    member, trained = paths.retrained(params) / name, paths.members(params) / name
    checkpoints.last_slice(trained)  # raises BadInput where there is none
    source = str(paths.RETAINED / f"{name}.parquet")
    yield from provenance.checkpoint_mismatches(member, retained, retained.slices, params.slices, source)
    if not affected and checkpoints.fingerprints(member) != checkpoints.fingerprints(trained):
        yield f"{member}: nothing was removed from its shard, but it differs from {trained}"


def link(name: str, retained: Shard, request: ForgetSet, params: Params) -> dict:
    """One row of the table: a served member, what it was made from and what that still holds."""
    source = paths.RETAINED / f"{name}.parquet"
    return {
        "member": name,
        "weights": checkpoints.fingerprint(paths.retrained(params) / name)[:12],
        "from retained shard": hashlib.sha256(source.read_bytes()).hexdigest()[:12],
        "images": len(retained),
        "removed": len(request.removed.get(name, [])),
        "residual copies": int(retained.among(request.ids).sum()),
    }


def asked_for(request: ForgetSet) -> str:
    parts = [] if request.class_ is None else [f"class {request.class_} at scope {request.scope}"]
    if request.images or not parts:
        parts.append(f"{len(request.images):,} images by request")
    return f"{' and '.join(parts)}; {len(request.ids):,} images"


def conclude(found: list[str], request: ForgetSet, residual: int) -> None:
    """Say what was proved. Raises BadInput when anything does not hold."""
    for problem in found:
        print(f"FAILED: {problem}")
    if found:
        raise BadInput(f"{len(found)} things do not hold, listed above; `dvc status` says which stages to run again")
    if request.images:
        print(f"Proved for {len(request.images):,} images requested: no served member was trained on a copy.")
    if residual:
        print(f"Proved for class {request.class_}: what scope {request.scope} covers is gone. ", end="")
        print(f"NOT exact: {residual:,} residual copies are left; scope all would remove them.")
    else:
        print("Proved: no served member was trained on a forgotten image, and no retained shard holds one.")
    print("Not looked at: whether the weights are what training gives (make verify), and raw data, caches and history.")
