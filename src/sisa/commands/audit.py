"""`make audit`: prove from dvc.lock, the shards and the weights in place that what was to be forgotten is gone.

It walks weights <- retained shard <- shard and request, and computes every hash on the way again. That the weights are
what training on the retained shard gives is for `make verify`.
"""

import argparse
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import astuple
from functools import partial
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.files import csv_line
from sisa.base.params import Params, load
from sisa.base.text import counted, for_number, in_words, number_of, printable
from sisa.data import tables
from sisa.data.images import Shard
from sisa.erasure import evidence
from sisa.erasure.receipts import FOLDER
from sisa.erasure.renewal import same
from sisa.repository import history, lock
from sisa.repository.git import GitError
from sisa.sources import roster
from sisa.training import checkpoints, provenance
from sisa.unlearning import forget_set, requests
from sisa.unlearning.forget_set import ForgetSet, covered, forget


def main(_: argparse.Namespace) -> None:
    params = load()
    dataset = params.dataset.name
    listed = roster.read(paths.roster(dataset))
    named = requests.resolve(paths.REQUESTS, dataset, paths.datasets(), listed)
    erased, receipts = roster.erased_ids(listed), evidence.by_image(dataset)
    disagree = partial(lock.problems, lock.read(), lock.declared())
    missed = [*lost_requests(dataset, listed), *lost_marks(dataset, listed, receipts)]
    missed = failed([*missed, *disagree("split"), *disagree("unlearn")])  # told before a missing shard ends the audit
    found, rows = [], []
    shards = tables.read_shards(paths.SHARDS, params.shards)
    asked = params.forget
    expected, request = forget(shards, asked.classes, asked.scope, requests.due(named), asked.near)
    if forget_set.read(paths.FORGET_SET) != request:
        found.append(f"{paths.FORGET_SET}: not what the request removes from the shards")
    for name in params.shards:
        retained = tables.read(paths.RETAINED / f"{name}.parquet", Shard)
        wrong = [
            *disagree(f"train_shards@{name}"),
            *disagree(f"retrain@{name}"),
            *erasure_problems(name, shards[name], retained, erased),
            *content_problems(name, retained, expected[name], request),
            *member_problems(name, retained, name in request.affected, params),
        ]
        rows.append(link(name, retained, request, params) | {"": "FAILED" if wrong else "holds"})
        found += wrong
    print(f"to forget: {asked_for(request)}")
    print(tabulate(rows, headers="keys"))
    copies, near = (sum(row[kind] for row in rows) for kind in ("residual copies", "near copies"))
    conclude([*missed, *failed(dict.fromkeys(found))], request, copies, near)
    print_erased(erased, receipts)
    print(
        "Not looked at: whether the weights are what training gives (make verify); raw data, caches and history; near "
        "copies other than those that leakage.kind made (python src scan --near)."
    )


def lost_requests(dataset: str, listed: pd.DataFrame) -> Iterator[str]:
    """The requests that were ever committed and are there no longer; those that are not in Git yet are a notice."""
    file, made = paths.REQUESTS, partial(requests.made, dataset=dataset, listed=listed)
    here = set(requests.read(file))
    try:
        gone, hasty = made(history.ever(file)) - here, here - made(history.in_head(file))
        how = history.way_back(file, gone, made)
    except GitError as error:
        print(f"notice: whether a request was taken out of {file} was not checked: {error}")
        return
    if gone:
        lines = sorted(csv_line([*astuple(each)]).rstrip("\n") for each in gone)
        yield counted(f"{file}: it is append-only, put these lines back as they were ({how})", lines)
    if hasty:
        kept = f"where nothing can lose them: git commit --only {file}"
        print(f"notice: {number_of(len(hasty), 'request')} not in Git yet, {kept}")


def lost_marks(dataset: str, listed: pd.DataFrame, receipts: dict[str, Path]) -> Iterator[str]:
    """The images that were erased, by the roster's history or a receipt, and that the roster does not mark; any without
    a receipt are a notice.
    """
    file, marked = paths.roster(dataset), roster.erased_ids(listed)
    gone, how, away = receipts.keys() - marked, f"git checkout HEAD -- {file}", []
    try:
        away = history.gone(FOLDER)
        gone |= roster.marked(history.ever(file)) - marked
        how = history.way_back(file, gone, roster.marked)
    except GitError as error:
        print(f"notice: whether {file} lost the mark of an erased image was not checked: {error}")
    if gone:
        yield counted(f"{file}: these were erased and are not marked as that ({how})", sorted(gone))
    if missing := (marked | gone) - receipts.keys():
        notice = (
            f"notice: no receipt here names {len(missing):,} of the erased images; see git log --branches -- {FOLDER}"
        )
        print(counted(f"{notice}; committed and not here", away))


def erasure_problems(name: str, shard: Shard, retained: Shard, erased: set[str]) -> Iterator[str]:
    """Where a shard, as dealt or as retained, holds images that were erased for good."""
    for folder, images in ((paths.SHARDS, shard), (paths.RETAINED, retained)):
        if count := int(images.among(erased).sum()):
            yield f"{folder / name}.parquet: holds {number_of(count, 'image')} erased for good; run dvc repro"


def content_problems(name: str, retained: Shard, expected: Shard, request: ForgetSet) -> Iterator[str]:
    """Where a retained shard is not its shard less the request."""
    path = paths.RETAINED / f"{name}.parquet"
    asked = (request.classes, request.scope, request.images, request.near)
    if count := int(covered(retained, *asked).sum()):
        yield f"{path}: holds {number_of(count, 'image')} that the request covers"
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
        "residual copies": int((retained.among(request.ids) & ~retained.near).sum()),
        "near copies": int((retained.among(request.ids) & retained.near).sum()),
    }


def asked_for(request: ForgetSet) -> str:
    """What was asked for, how many images the shards lost for it, and how many of those asked for were in none."""
    parts = [f"{named_classes(request)} at scope {request.scope}"] if request.classes else []
    if request.images or not parts:
        parts.append(f"{number_of(len(request.images), 'image')} by request")
    parts += ["their near copies"] if request.near else []
    idle = set(request.images) - set(request.ids)
    rest = f"; in no shard: {len(idle):,} of those requested" if idle else ""
    return f"{' and '.join(parts)}; taken out of the shards for this: {number_of(len(request.ids), 'image')}{rest}"


def named_classes(request: ForgetSet) -> str:
    """`class cat`, `classes cat and dog`, of a request for at least one."""
    return f"{for_number(len(request.classes), 'class')} {in_words(request.classes)}"


def failed(problems: Iterable[str]) -> list[str]:
    """The problems, each printed as what does not hold."""
    found = list(problems)
    for problem in found:
        print(f"FAILED: {printable(problem)}")
    return found


def conclude(found: list[str], request: ForgetSet, copies: int, near: int) -> None:
    """Say what was proved. copies, near: residual ones. Raises BadInput when anything does not hold."""
    if found:
        raise BadInput(
            f"does not hold, listed above: {number_of(len(found), 'thing')}; `dvc status` says what is of another run"
        )
    if request.images:
        requested = number_of(len(request.images), "image")
        print(f"Proved for {requested} requested: no served member was trained on a copy.")
    if request.classes and (copies or near):
        print(f"Proved for {named_classes(request)}: what scope {request.scope} covers is gone. ", end="")
    if copies:
        print(f"NOT exact: {number_of(copies, 'residual copy')} left; scope all would remove them.")
    if near:
        way = "scope all and forget.near=true" if request.classes else "forget.near=true"
        print(f"NOT exact: {number_of(near, 'near copy')} left, as leakage.kind made them; {way} would remove them.")
    if not copies and not near:
        print("Proved: no served member was trained on a forgotten image, and no retained shard holds one.")


def print_erased(erased: set[str], receipts: dict[str, Path]) -> None:
    """Say what was proved of the images that were erased for good, of which `conclude` has found none in place."""
    if not erased:
        return
    kept = sorted({str(receipts[image]) for image in erased if image in receipts})
    print(
        f"Proved for {number_of(len(erased), 'image')} erased for good: no shard in place holds one, and no served ",
        end="",
    )
    print(f"member was trained on one; whether caches and remotes do: python src scan. {counted('Receipts', kept)}")
