"""Retrain the member of one shard on what is retained of it, from its last checkpoint that still holds."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from sisa.base.params import Params
from sisa.data.images import Shard
from sisa.training import checkpoints
from sisa.training.fit import fit
from sisa.training.slicing import slice_digests, untouched_slices


@dataclass(frozen=True)
class Retraining:
    """What is counted of the retraining of one shard: slices kept, images trained on, samples processed."""

    untouched_slices: int
    images: int
    samples: int


def retrain(name: str, retained: Shard, member: Path, target: Path, params: Params) -> Retraining:
    """Put the retrained member in place of `target`, a copy of `member` where nothing was removed; say what it took."""
    untouched = untouched_by(member, retained, params.slices)
    if untouched == params.slices:
        keep(member, target)
    else:
        fit(target, name, retained, retained.slices, params.slices, params, resume=(member, untouched))
    return taken(retained, untouched, target, params.slices)


def untouched_by(member: Path, retained: Shard, slices: int) -> int:
    """How many of its first slices the member saw as they are retained. Raises BadInput where there is no member."""
    last = checkpoints.last_slice(member)
    trained = [] if last is None else checkpoints.read_seen(member, last).digests
    return untouched_slices(trained, slice_digests(retained, retained.slices, slices))


def taken(retained: Shard, untouched: int, target: Path, slices: int) -> Retraining:
    """What it takes to come to `target`, trained on what is retained, from a member with so many untouched slices."""
    images = 0 if untouched == slices else len(retained)
    return Retraining(untouched, images, checkpoints.samples(checkpoints.read_log(target), after=untouched))


def keep(member: Path, target: Path) -> None:
    with checkpoints.replacing(target) as scratch:
        shutil.copytree(member, scratch, dirs_exist_ok=True, copy_function=shutil.copyfile)
