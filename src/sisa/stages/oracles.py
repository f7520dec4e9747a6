"""Train members of one shard for the services that tell how far apart two are that differ in their seeds alone."""

from itertools import product
from pathlib import Path

from tqdm import tqdm

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Images, Shard
from sisa.inference import oracles, outputs
from sisa.inference.logits import outputs_of_another
from sisa.inference.outputs import HELD_OUT, TRAINING
from sisa.training.loop import be_deterministic
from sisa.unlearning import forget_set


def main(name: str) -> None:
    params = load()
    be_deterministic(params.threads)
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    kinds = oracles.shards_by_kind(shard, name, forget_set.read(paths.FORGET_SET))
    asked = {HELD_OUT: paths.TEST, TRAINING: paths.UNION} if params.attacks.oracles else {}
    sets = {which: tables.read(path, Images) for which, path in asked.items()}
    each, answers = [*product(range(params.attacks.oracles), kinds)], {}
    for number, kind in tqdm(each, desc=f"oracles of {name}", unit="model", disable=None):
        found = outputs_of_another(kinds[kind], sets, params, (params.seed, name, kind, number))
        if found:
            answers[Path(kind, str(number))] = found
    outputs.write(paths.oracles(params) / f"{name}.parquet", sets, answers)
