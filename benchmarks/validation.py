"""Members trained on all but 100 of each class's dominant images, to choose between them by those 100.

The test set is never looked at.
"""

import argparse
from dataclasses import replace

import numpy as np
import scenario

from sisa.base import paths
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Images, Pool
from sisa.sharding.deal import deal, draw_classes
from sisa.sharding.leakage import Draw, leakage_matrix, shard_rows
from sisa.sources import roster
from sisa.training import loop

VALIDATION = 100  # images of each class


def start(description: str) -> tuple[Params, int]:
    """The parameters of the run, and for how many training seeds it was asked."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds, params = parser.parse_args().seeds, load()
    loop.be_deterministic(params.threads)
    return params, seeds


def parts(params: Params) -> tuple[Pool, dict[str, Draw], Images]:
    """The pool, the draws of each class less its validation images, and those."""
    pool = tables.read(paths.POOL, Pool)
    draws = draw_classes(roster.read(paths.roster(params.dataset.name)), params)
    held = {image for draw in draws.values() for image in draw.dominant[-VALIDATION:]}
    trained = {name: replace(draw, dominant=draw.dominant[:-VALIDATION]) for name, draw in draws.items()}
    return pool, trained, pool.take(np.isin(pool.ids, list(held)))


def members(params: Params, reach: int | str, slices: int, seed: int, on_member) -> tuple[np.ndarray, np.ndarray]:
    """Train one member a shard; return logits [M, n, K] float64 on the validation images, and counts [M, K] int64."""
    pool, draws, held = parts(params)
    present = {image: place for place, image in enumerate(pool.ids.tolist())}
    settings = params.leakage.model_dump(exclude={"kind"})
    settings |= {"dominant": len(draws[params.class_names[0]].dominant), "reach": reach}
    matrix = leakage_matrix(params.class_names, **settings)
    seeded, logits = params.model_copy(update={"seed": seed}), []
    for name in params.shards:
        common = (params.class_names, draws, matrix, slices, params.split_seed, params.leakage.kind)
        shard = deal(pool, present, shard_rows(name, *common))
        logits.append(scenario.answers(name, shard, shard.slices, slices, seeded, held))
        on_member()
    return np.stack(logits), matrix
