"""Retrain the member of one shard on what is retained; keep it as it is where nothing was removed."""

import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from sisa import cost
from sisa.common import paths, tables
from sisa.common.files import write_json
from sisa.common.images import Shard
from sisa.common.params import load
from sisa.learning import checkpoints
from sisa.learning.fitting import fit
from sisa.learning.slicing import slice_digests, untouched_slices


def main(name: str) -> None:
    params = load()
    shard = tables.read(paths.RETAINED / f"{name}.parquet", Shard)
    member, target = paths.members(params) / name, paths.retrained(params) / name
    last = checkpoints.last_slice(member)
    trained = [] if last is None else checkpoints.read_seen(member, last).digests
    untouched = untouched_slices(trained, slice_digests(shard, shard.slices, params.slices))
    if untouched == params.slices:
        keep(member, target)
    else:
        fit(target, name, shard, shard.slices, params.slices, params, resume=(member, untouched))
    images = 0 if untouched == params.slices else len(shard)
    samples = cost.retraining_samples(checkpoints.read_log(target), untouched)
    write_json(paths.retraining(params, name), asdict(cost.Retraining(untouched, images, samples)))


def keep(member: Path, target: Path) -> None:
    with checkpoints.replacing(target) as scratch:
        shutil.copytree(member, scratch, dirs_exist_ok=True, copy_function=shutil.copyfile)


if __name__ == "__main__":
    main(sys.argv[1])
