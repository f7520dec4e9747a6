"""Train shadow models of one shard, and ask them about images of the class to forget that they did and did not see."""

from collections.abc import Iterator

import numpy as np
import torch
from tqdm import tqdm

from sisa.base import paths
from sisa.base.elementary import softmax
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Images, Shard, union
from sisa.inference import shadows
from sisa.inference.logits import logits_of
from sisa.inference.odds import log_odds
from sisa.training import loop
from sisa.training.networks import build


def main(name: str) -> None:
    params = load()
    loop.be_deterministic(params.threads)
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    others = union([tables.read(path, Images) for path in (paths.UNION, paths.TEST)])
    class_ = params.forget.class_
    generator = np.random.default_rng(loop.derived_seed(params.seed, "shadows", name))
    drawn = shadows.candidates(shard, others, class_ or "", generator)
    inside = shadows.deal(params.attacks.shadows if len(drawn.ids) else 0, len(drawn.rows), generator)
    told = answers(name, shard, drawn, inside, params)
    odds = list(tqdm(told, desc=f"shadows of {name}", total=len(inside), unit="model", disable=None))
    asked = shadows.ShadowOdds(drawn.ids, drawn.held, inside, np.reshape(odds, inside.shape))
    shadows.write(paths.shadows(params) / f"{name}.csv", asked)


def answers(
    name: str, shard: Shard, drawn: shadows.Candidates, inside: np.ndarray, params: Params
) -> Iterator[np.ndarray]:
    """Each shadow model's log-odds of the class, for each candidate [2m] float64."""
    actual = params.shards.index(params.forget.class_) if params.forget.class_ else -1
    for number, those in enumerate(inside):
        trained_on = shadows.shadow_shard(shard, drawn, those)
        *_, (_, checkpoint) = loop.train_member(
            torch.from_numpy(trained_on.pixels),
            torch.from_numpy(np.searchsorted(params.shards, trained_on.classes)),
            torch.from_numpy(trained_on.slices),
            slice_count=params.slices,
            classes=len(params.shards),
            recipe=params.train,
            seed=(params.seed, name, "shadow", number),
        )
        network = build(params.train, params.dataset.channels, len(params.shards))
        network.load_state_dict(checkpoint.weights)
        logits = logits_of([network], torch.from_numpy(drawn.pixels), params.train)[0].double().numpy()
        yield log_odds(softmax(logits), actual)
