"""Carry out the requests that `dvc repro` has not yet, one after another, each on checkpoints that are up to date.

So a later request does not pay again for earlier ones, as it does where the stage `retrain` runs after each. The
requests are those of data/requests.csv, in its order; `dvc repro` runs the stages that follow, but retrains nothing.
Retrained members and dvc.lock get the bytes that `dvc repro` would give them. Writes OUT.csv.
"""

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.files import beside, write_json
from sisa.base.params import Params, load
from sisa.base.text import number_of, whole
from sisa.cost import closed_forms
from sisa.cost.stream import Step, steps
from sisa.data import tables
from sisa.data.images import Images, Shard
from sisa.erasure.renewal import disagreements, same
from sisa.repository.dvc import dvc_in_sight
from sisa.sharding.leakage import COPY
from sisa.sources import roster
from sisa.training.resume import keep, retrain, taken, untouched_by
from sisa.training.slicing import slice_epochs
from sisa.unlearning import requests
from sisa.unlearning.forget_set import forget
from sisa.unlearning.requests import Named

Batch = tuple[str, list[str]]  # its lines in the file of requests, and the ids of the images that go


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument(
        "--batch", type=partial(whole, least=1), default=1, help="requests that are carried out together"
    )
    parser.add_argument("--out", default="stream", help="where to write, without the .csv")


def main(options: argparse.Namespace) -> None:
    params = load()
    check_takes_every_copy(params)
    check_up_to_date(params)
    shards, served = (tables.read_shards(folder, params.shards) for folder in (paths.SHARDS, paths.RETAINED))
    named = resolved(shards, served, params)
    batches = batched(named, ids_of(served), options.batch)
    if not batches:
        print(f"nothing to do: every request of {paths.REQUESTS} is carried out; what follows: dvc repro")
        return
    images = {image for _, each in batches for image in each}
    after = {name: shard.take(~shard.among(images)) for name, shard in served.items()}
    check_only_these(named, shards, after, params)
    left = {name: shard.among(served[name].ids) for name, shard in shards.items()}
    how = {"slices": params.slices, "epochs": slice_epochs(params.train.epochs, params.slices)}
    plan = list(steps(shards, left, [each for _, each in batches], **how))
    (at_once,) = steps(shards, left, [images], **how)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir="models") as work:
        counted = list(carried_out(batches, plan, served, Path(work), params))
        hand_over({name: after[name] for name in at_once.first}, Path(work), params)
    table = report(batches, plan, counted, expected(served, len(batches), options.batch, **how))
    with beside(Path(f"{options.out}.csv")) as part:
        table.to_csv(part, index=False)
    print_outcome(table, at_once)
    print(f"each request: {options.out}.csv; the stages that follow: dvc repro; then commit the results")


def check_takes_every_copy(params: Params) -> None:
    """Raises BadInput where requests would leave near copies, which a stream takes with their images."""
    if params.leakage.kind != COPY and not params.forget.near:
        kind = f"leakage.kind is {params.leakage.kind} and forget.near is false"
        raise BadInput(f"{kind}, but a stream takes near copies with their images: dvc repro")


def check_up_to_date(params: Params) -> None:
    """Raises BadInput unless shards and members are what this code gives with these parameters, by dvc.lock."""
    stages = [f"{stage}@{name}" for stage in ("train_shards", "retrain") for name in params.shards]
    for problem in disagreements(["prepare", "split", *stages]).values():
        raise BadInput(f"{problem}; a stream starts from members that are up to date: dvc repro")


def resolved(shards: dict[str, Shard], served: dict[str, Shard], params: Params) -> list[Named]:
    """The images requested so far, in order. Says which of them change nothing. Raises BadInput for an unknown one."""
    dataset = params.dataset.name
    named = requests.resolve(paths.REQUESTS, dataset, paths.datasets(), roster.read(paths.roster(dataset)))
    held_out = set(tables.read(paths.TEST, Images).ids)
    for line in requests.notices(paths.REQUESTS, named, ids_of(shards), ids_of(served), held_out):
        print(line)
    return named


def ids_of(shards: dict[str, Shard]) -> set[str]:
    return {image for shard in shards.values() for image in shard.ids.tolist()}


def batched(named: list[Named], there: set[str], size: int) -> list[Batch]:
    """So many requests at a time, in order, of those that name an image that is there and no request before them."""
    left, of_line = there.intersection(requests.due(named)), defaultdict(list)
    for each in named:
        if each.id in left:
            of_line[each.line].append(each.id)
            left.remove(each.id)
    lines = list(of_line)
    parts = [lines[start : start + size] for start in range(0, len(lines), size)]
    return [(" ".join(map(str, part)), [image for line in part for image in of_line[line]]) for part in parts]


def check_only_these(named: list[Named], shards: dict[str, Shard], after: dict[str, Shard], params: Params) -> None:
    """Raises BadInput where the stage `unlearn` would not leave these images in the shards."""
    asked = params.forget
    wanted, _ = forget(shards, asked.classes, asked.scope, requests.due(named), asked.near)
    if not all(same(wanted[name], after[name]) for name in params.shards):
        what = f"forget.class or forget.scope is not that of the last run, or {paths.REQUESTS} lacks a request of it"
        raise BadInput(f"{what}; a stream only adds requests for images: dvc repro")


def expected(served: dict[str, Shard], requests: int, batch: int, slices: int, epochs: int) -> np.ndarray:
    """Samples of each batch, [B] float64, had the requests fallen at random; NaN where there is no closed form."""
    if requests % batch:
        return np.full(-(-requests // batch), np.nan)
    sizes = np.array([len(shard) for shard in served.values()])
    return closed_forms.uniform_requests(sizes, len(ids_of(served)), slices, epochs, requests, batch)


def carried_out(
    batches: list[Batch], plan: list[Step], served: dict[str, Shard], work: Path, params: Params
) -> Iterator[int]:
    """The samples of each batch, counted by training; the last member of each affected shard is in the folder work."""
    left = dict(served)
    for (lines, images), step in zip(batches, plan, strict=True):
        samples = 0
        for name in step.first:
            member = work / name if (work / name).is_dir() else paths.retrained(params) / name
            left[name] = left[name].take(~left[name].among(images))
            samples += retrain(name, left[name], member, work / name, params).samples
        print(f"{paths.REQUESTS}, line {lines}: {places(step)}: {samples:,} samples")
        yield samples


def places(step: Step) -> str:
    return ", ".join(f"{name} from slice {number + 1}" for name, number in step.first.items())


def hand_over(after: dict[str, Shard], work: Path, params: Params) -> None:
    """Put the members of these shards where the stage `retrain` has them, and tell DVC.

    Raises BadInput where the stage `unlearn` fails, or leaves something else in a shard.
    """
    dvc_in_sight("repro", "unlearn")
    for name, shard in after.items():
        if not same(tables.read(paths.RETAINED / f"{name}.parquet", Shard), shard):
            raise BadInput(f"{paths.RETAINED}/{name}.parquet: more has changed while the stream ran: dvc repro")
    for name, shard in after.items():
        target = paths.retrained(params) / name
        keep(work / name, target)
        untouched = untouched_by(paths.members(params) / name, shard, params.slices)
        write_json(paths.retraining(params, name), asdict(taken(shard, untouched, target, params.slices)))
        if not len(shard):
            print(f"notice: nothing is left of shard {name}: its member is empty")
    stages = [f"retrain@{name}" for name in after]
    dvc_in_sight("commit", "--force", *stages)
    for problem in disagreements(stages).values():
        raise BadInput(f"{problem}; repeat it: dvc repro")


def report(batches: list[Batch], plan: list[Step], counted: list[int], closed_form: np.ndarray) -> pd.DataFrame:
    """One row a batch; `afresh` is what `dvc repro` after each batch would have taken."""
    return pd.DataFrame(
        {
            "lines": [lines for lines, _ in batches],
            "images": [len(images) for _, images in batches],
            "retrained": [places(step) for step in plan],
            "samples": counted,
            "so far": np.cumsum(counted),
            "closed form": closed_form.round(1),
            "afresh": [step.afresh for step in plan],
        }
    )


def print_outcome(table: pd.DataFrame, at_once: Step) -> None:
    total = table["samples"].sum()
    others = {
        "expected of requests at random": table["closed form"].sum(skipna=False),
        "dvc repro after each": table["afresh"].sum(),
        "dvc repro once, after all": at_once.afresh,
    }
    rows = [("on checkpoints that are up to date", f"{total:,}", "")]
    rows += [(what, *against(total, samples)) for what, samples in others.items()]
    headers = [number_of(len(table), "step"), "samples", "the stream against it"]
    print(tabulate(rows, headers=headers, colalign=("left", "right", "right"), disable_numparse=True))


def against(total: int, samples: float) -> tuple[str, str]:
    if np.isnan(samples) or not samples:
        return "-", "-"
    return f"{samples:,.0f}", f"{total / samples - 1:+.1%}"
