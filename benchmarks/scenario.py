"""The images of a scenario as the pipeline deals them, without running it: what the benchmarks train and score on."""

import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from dvc.utils.hydra import compose_and_dump
from PIL import Image

from sisa import sources
from sisa.base import paths
from sisa.base.params import Params, load
from sisa.data.images import Images, Pool, Shard, union
from sisa.inference.logits import logits_of
from sisa.sharding.deal import deal, draw_classes
from sisa.sharding.leakage import leakage_matrix, shard_rows
from sisa.sources import roster
from sisa.sources.pool import gather
from sisa.training import loop


@dataclass(frozen=True)
class Scenario:
    """The shards by name, their union, and the held-out images."""

    params: Params
    shards: dict[str, Shard]
    union: Images
    held_out: Images


def compose(*choices: str) -> Params:
    """The parameters that `dvc exp run -S CHOICE...` composes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "params.yaml")
        compose_and_dump(path, str(Path("conf").resolve()), None, "config", str(Path(".dvc").resolve()), list(choices))
        return load(path)


def deal_out(params: Params) -> Scenario:
    """What prepare and split write for these parameters. Raises BadInput where the data set was not brought in."""
    pool = pool_of(params)
    draws = draw_classes(roster.read(paths.roster(params.dataset.name)), params)
    matrix = leakage_matrix(params.shards, **params.leakage.model_dump(exclude={"kind"}))
    present = {image: place for place, image in enumerate(pool.ids.tolist())}
    common = (params.shards, draws, matrix, params.slices, params.split_seed, params.leakage.kind)
    shards = {name: deal(pool, present, shard_rows(name, *common)) for name in params.shards}
    held_out = pool.take(np.isin(pool.ids, [image for draw in draws.values() for image in draw.test]))
    return Scenario(params, shards, union(list(shards.values())), held_out)


def answers(
    name: str, images: Images, slices: np.ndarray, slice_count: int, params: Params, asked: Images
) -> np.ndarray:
    """Train one model as its stage does, seeds derived from `name`; its logits [n, K] float64 on the images asked.

    slices [len(images)] int64, counted from 0.
    """
    checkpoints = loop.train_member(
        torch.from_numpy(images.pixels),
        torch.from_numpy(np.searchsorted(params.shards, images.classes)),
        torch.tensor(slices),
        slice_count=slice_count,
        classes=len(params.shards),
        recipe=params.train,
        seed=(params.seed, name),
    )
    ((_, last),) = deque(checkpoints, maxlen=1)
    network = loop.build(params.train, params.dataset.channels, len(params.shards))
    network.load_state_dict(last.weights)
    return logits_of([network], torch.from_numpy(asked.pixels), params.train)[0].double().numpy()


def files(deal: Scenario, folder: Path) -> dict[str, Path]:
    """A picture file of each image, by id: the raw one, or one in `folder` where the source is no folder itself."""
    pool = pool_of(deal.params)
    if deal.params.dataset.source.kind == "folder":
        raw_folder = paths.raw(deal.params.dataset.name)
        return {image: raw_folder / file for image, file in zip(pool.ids.tolist(), pool.files.tolist(), strict=True)}
    written = {image: folder / f"{image}.png" for image in pool.ids.tolist()}
    for file, pixels in zip(written.values(), pool.pixels, strict=True):
        Image.fromarray(pixels.transpose(1, 2, 0).squeeze()).save(file)
    return written


def pool_of(params: Params) -> Pool:
    listed = roster.read(paths.roster(params.dataset.name))
    listed = listed[listed["class"].isin(params.shards)].reset_index(drop=True)
    pictures = sources.pictures(params.dataset, paths.raw(params.dataset.name), params.shards)
    return gather(listed, pictures, params.dataset)[0]
