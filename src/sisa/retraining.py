"""Retrain the member of one shard on what is retained of it, from its last checkpoint that still holds."""

import shutil
from pathlib import Path

from sisa import cost
from sisa.common.images import Shard
from sisa.common.params import Params
from sisa.learning import checkpoints
from sisa.learning.fitting import fit
from sisa.learning.slicing import slice_digests, untouched_slices


def retrain(name: str, retained: Shard, member: Path, target: Path, params: Params) -> cost.Retraining:
    """Put the retrained member in place of `target`, a copy of `member` where nothing was removed; say what it took."""
    last = checkpoints.last_slice(member)
    trained = [] if last is None else checkpoints.read_seen(member, last).digests
    untouched = untouched_slices(trained, slice_digests(retained, retained.slices, params.slices))
    if untouched == params.slices:
        keep(member, target)
    else:
        fit(target, name, retained, retained.slices, params.slices, params, resume=(member, untouched))
    images = 0 if untouched == params.slices else len(retained)
    return cost.Retraining(untouched, images, cost.retraining_samples(checkpoints.read_log(target), untouched))


def keep(member: Path, target: Path) -> None:
    with checkpoints.replacing(target) as scratch:
        shutil.copytree(member, scratch, dirs_exist_ok=True, copy_function=shutil.copyfile)
