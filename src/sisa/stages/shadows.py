"""Train members of shadow ensembles of one shard, retrain those that lose images, and ask about the candidates."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sisa.base import paths
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Candidates, Shard
from sisa.inference import outputs, shadows
from sisa.inference.logits import outputs_of_another
from sisa.inference.outputs import ModelOutputs
from sisa.sharding.candidates import shadow_shard
from sisa.training import loop
from sisa.unlearning import forget_set
from sisa.unlearning.states import BEFORE, RETRAINED


def main(name: str) -> None:
    params = load()
    loop.be_deterministic(params.threads)
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    candidates = tables.read(paths.CANDIDATES, Candidates)
    gone = shard.among(forget_set.read(paths.FORGET_SET).removed.get(name, []))
    told = answers(name, shard, gone, candidates, params)
    total = len(candidates.dealt) * (1 + gone.any())
    asked = dict(tqdm(told, desc=f"shadows of {name}", total=total, unit="model", disable=None))
    outputs.write(paths.shadows(params) / f"{name}.parquet", {shadows.CANDIDATES: candidates}, asked)


def answers(
    name: str, shard: Shard, gone: np.ndarray, candidates: Candidates, params: Params
) -> Iterator[tuple[Path, ModelOutputs]]:
    """What each shadow member says of the candidates, before and, where rows are gone [n] bool, retrained: trained as
    the members are, for a retrained one is as if trained from scratch."""
    for number in range(len(candidates.dealt)):
        whole, seed = shadow_shard(shard, candidates, number), (params.seed, name, "shadow", number)
        trained_on = {BEFORE: whole} | ({RETRAINED: whole.take(~gone)} if gone.any() else {})
        for state, images in trained_on.items():
            if len(images):
                told = outputs_of_another(images, {shadows.CANDIDATES: candidates}, params, seed)
                yield shadows.column(state, number), told
