"""What single requests cost in slices and shards: the paper's closed forms, measured and simulated.

    python benchmarks/cost.py

Measured is counted by the training loop: members are trained, and retrained from their checkpoints, on images of
data/pool.parquet, every fourth pixel of them, by a tiny network. Writes benchmarks/cost-slicing.csv and
benchmarks/cost-sharding.csv; `python src results` puts them into docs/cost.md.
"""

import sys
from itertools import product

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

sys.path.insert(0, "src")

from sisa.base import paths
from sisa.base.params import Augment, Cnn, Params, Train, load
from sisa.cost import closed_forms, simulation
from sisa.cost.simulation import Requests
from sisa.data import tables
from sisa.data.images import Pool
from sisa.training import checkpoints, loop
from sisa.training.slicing import exact_slice_epochs, slice_epochs

SLICING = [*product((45, 20), (1, 2, 4, 8, 16)), (51, 16)]  # epochs, slices
SHARDS, REQUESTS = (5, 10, 20), (1, 10, 50)
SHARD_IMAGES, ALL_IMAGES = 640, 1000
TRAINED_PLAYS, SIMULATED_PLAYS = 1000, 20_000
STILL = Augment(flip=False, rotate=0.0, scale=0.0, shift=0.0, color=0.0, cutout=0.0)


def main() -> None:
    params = load()
    loop.be_deterministic(params.threads)
    images = tables.read(paths.POOL, Pool)
    pixels = torch.tensor(images.pixels[:, :, ::4, ::4])
    labels = torch.from_numpy(np.searchsorted(params.class_names, images.classes))
    slicing = [slicing_row(*each, pixels, labels, params) for each in tqdm(SLICING, desc="slicing", disable=None)]
    cases = list(product(("one by one", "at once"), SHARDS, REQUESTS))
    sharding = [sharding_row(*each, pixels, labels, params) for each in tqdm(cases, desc="sharding", disable=None)]
    for name, rows in {"slicing": slicing, "sharding": sharding}.items():
        pd.DataFrame(rows).to_csv(f"benchmarks/cost-{name}.csv", index=False)


def recipe(params: Params, epochs: int) -> Train:
    network = Cnn(name="cnn", patch=2, stride=2, filters=4, widths=[4], pool="max")
    changes = {"network": network, "epochs": epochs, "batch_size": 64, "augment": STILL}
    return params.train.model_copy(update=changes)


def slicing_row(epochs: int, slices: int, pixels: torch.Tensor, labels: torch.Tensor, params: Params) -> dict:
    """One request that falls uniformly on a shard, as a share of training the shard whole."""
    pixels, labels = pixels[:SHARD_IMAGES], labels[:SHARD_IMAGES]
    cut = torch.arange(SHARD_IMAGES) * slices // SHARD_IMAGES
    options = {
        "slice_count": slices,
        "classes": len(params.class_names),
        "recipe": recipe(params, epochs),
        "seed": (0, "a"),
    }
    before = dict(loop.train_member(pixels, labels, cut, **options))
    counted = []
    for touched in range(slices):
        keep = torch.arange(SHARD_IMAGES) != int(torch.nonzero(cut == touched)[0])
        resume = (touched - 1, before[touched - 1]) if touched else None
        *_, (_, last) = loop.train_member(pixels[keep], labels[keep], cut[keep], resume=resume, **options)
        counted.append(checkpoints.samples(last.log, after=touched))
    step, whole = slice_epochs(epochs, slices), epochs * SHARD_IMAGES
    paper = closed_forms.single_request(SHARD_IMAGES, slices, epochs) / whole
    measured = float(np.average(counted, weights=np.bincount(cut))) / whole
    return {
        "epochs": epochs,
        "slices": slices,
        "epochs a slice, exact": f"{exact_slice_epochs(epochs, slices):.2f}",
        "whole": step,
        "paper": f"{paper:.4f}",
        "measured": f"{measured:.4f}",
        "simulated": f"{simulate(np.array([[SHARD_IMAGES]]), 1, 1, slices, step) / whole:.4f}",
        "measured against paper": f"{measured / paper - 1:+.2%}",
    }


def sharding_row(
    mode: str, shards: int, requests: int, pixels: torch.Tensor, labels: torch.Tensor, params: Params
) -> dict:
    """Requests that fall uniformly on equal shards, as a share of training on all images once."""
    matrix = np.diag(np.full(shards, ALL_IMAGES // shards))
    batch = 1 if mode == "one by one" else requests
    plays = TRAINED_PLAYS // (1 if batch > 1 else requests)
    rng, counted = np.random.default_rng([shards, requests]), []
    for _ in range(plays):
        drawn = simulation.uniform(matrix.diagonal(), requests, rng)
        counted.append(carry_out(drawn, matrix, batch, pixels, labels, params))
        assert counted[-1] == simulation.play(matrix, drawn, **options(1, 1, batch, rng)).retraining.sum()
    form = closed_forms.sequential_requests if batch == 1 else closed_forms.batched_requests
    paper = form(ALL_IMAGES, shards, requests, 1)
    return {
        "requests": mode,
        "shards": shards,
        "number": requests,
        "paper": f"{paper / ALL_IMAGES:.4f}",
        "measured": f"{np.mean(counted) / ALL_IMAGES:.4f}",
        "plays": plays,
        "standard error": f"{np.std(counted) / plays**0.5 / ALL_IMAGES:.4f}",
        "simulated": f"{simulate(matrix, requests, batch, 1, 1) / ALL_IMAGES:.4f}",
        "measured against paper": f"{np.mean(counted) / paper - 1:+.2%}",
    }


def carry_out(
    requests: Requests, matrix: np.ndarray, batch: int, pixels: torch.Tensor, labels: torch.Tensor, params: Params
) -> int:
    """Retrain every shard that a batch touches, for one epoch on what is left of it; the samples counted."""
    size = int(matrix[0, 0])
    kept, total = [np.full(size, True) for _ in matrix], 0
    for start in range(0, len(requests.classes), batch):
        part = slice(start, start + batch)
        for shard, image in zip(requests.classes[part], requests.ranks[part], strict=True):
            kept[shard][image] = False
        for shard in np.unique(requests.classes[part]):
            rows = np.flatnonzero(kept[shard]) + shard * size
            ((_, member),) = loop.train_member(
                pixels[rows],
                labels[rows],
                torch.zeros(len(rows), dtype=torch.int64),
                slice_count=1,
                classes=len(params.class_names),
                recipe=recipe(params, 1),
                seed=(0, str(shard)),
            )
            total += checkpoints.samples(member.log)
    return total


def simulate(matrix: np.ndarray, requests: int, batch: int, slices: int, step: int) -> float:
    """Mean samples of many plays."""
    rng, total = np.random.default_rng(0), 0.0
    for _ in range(SIMULATED_PLAYS):
        drawn = simulation.uniform(matrix.diagonal(), requests, rng)
        total += simulation.play(matrix, drawn, **options(slices, step, batch, rng)).retraining.sum()
    return total / SIMULATED_PLAYS


def options(slices: int, step: int, batch: int, rng: np.random.Generator) -> dict:
    return {"slices": slices, "step_epochs": step, "full_epochs": 1, "batch": batch, "scope": "all", "rng": rng}


if __name__ == "__main__":
    main()
