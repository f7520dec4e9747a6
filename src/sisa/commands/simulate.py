"""Play random deletion requests against shards and slices, without training: how many of each should I use?

Costs are in samples, one image once through forward and backward. Give several --shards and --slices to compare them.
Writes OUT.csv and OUT.png. Accuracy is not simulated: more shards cost less and leave each member less to learn from.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

from sisa.base.errors import BadInput
from sisa.base.files import beside, check_regular
from sisa.base.params import load
from sisa.base.text import number_of, whole
from sisa.cost import closed_forms, simulation
from sisa.cost.simulation import Requests
from sisa.publishing import figures
from sisa.sharding.leakage import leakage_matrix
from sisa.training.slicing import slice_epochs
from sisa.unlearning.forget_set import ALL, SCOPES

PATTERNS = ("uniform", "class", "user")


def main(options: argparse.Namespace) -> None:
    matrices = list(leakage_matrices(options))
    plans = [(matrix, slices) for matrix, slices in product(matrices, options.slices)]
    with tqdm(total=options.plays * sum(len(matrix) for matrix, _ in plans), unit="shard", disable=None) as bar:
        curves = [curve(matrix, slices, options, bar.update) for matrix, slices in plans]
    table = pd.DataFrame([summary(each) for each in curves]).round(1)
    with beside(Path(f"{options.out}.csv")) as part:
        table.to_csv(part, index=False)
    figures.save(figures.cost(curves), Path(f"{options.out}.png"))
    plays, asked = number_of(options.plays, "play"), number_of(options.requests, "request")
    print(f"samples a request, mean of {plays} of {asked} ({options.pattern})")
    print(tabulate(table.map(readable), headers="keys", showindex=False, disable_numparse=True, stralign="right"))
    best = table.loc[table["retraining"].idxmin()]
    print(f"cheapest to forget with: shards {best['shards']:.0f}, slices {best['slices']:.0f}; see {options.out}.png")
    print("Accuracy is not simulated.")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    positive, natural = {"type": partial(whole, least=1)}, {"type": whole}
    parser.add_argument("--images", **positive, default=100_000, help="distinct images, dealt evenly to the shards")
    parser.add_argument("--shards", **positive, nargs="+", default=[5, 10, 20, 50, 100], help="one class a shard")
    parser.add_argument("--slices", **positive, nargs="+", default=[1, 4], help="of each shard")
    parser.add_argument("--requests", **positive, default=1000, help="in all; of one image, or of one class")
    parser.add_argument("--pattern", choices=PATTERNS, default="uniform", help="user: bursts of one user's images")
    parser.add_argument("--user-images", **positive, default=20, help="that each user owns, all of one class")
    parser.add_argument("--batch", **positive, default=1, help="requests that are carried out together")
    parser.add_argument("--leaked", **natural, default=0, help="images of each class copied into other shards")
    parser.add_argument("--reach", type=reach, default="all", help="how many of the next shards they are copied into")
    like = "a leakage matrix as data/leakage_matrix.csv, in place of the above"
    parser.add_argument("--matrix", type=Path, help=like)
    parser.add_argument("--scope", choices=SCOPES, default=ALL, help="of class requests")
    parser.add_argument("--epochs", **positive, default=load().train.epochs, help="of a member without slices")
    parser.add_argument("--plays", **positive, default=10, help="how often all requests are drawn and carried out")
    parser.add_argument("--seed", **natural, default=0)
    parser.add_argument("--out", default="simulation", help="where to write, without the .csv and .png")


def reach(text: str) -> int | str:
    return text if text == "all" else whole(text)


def leakage_matrices(options: argparse.Namespace) -> Iterator[np.ndarray]:
    """One matrix [S, S] int64 for each number of shards. Raises BadInput where it holds too little to forget."""
    given = [read_matrix(options.matrix)] if options.matrix else (dealt(count, options) for count in options.shards)
    for matrix in given:
        kind, held = ("class", len(matrix)) if options.pattern == "class" else ("image", matrix.trace())
        if options.requests > held:
            most, shards = number_of(held, kind), number_of(len(matrix), "shard")
            raise BadInput(f"--requests {options.requests}: there are only {most} to forget in {shards}")
        yield matrix


def dealt(shards: int, options: argparse.Namespace) -> np.ndarray:
    dominant = options.images // shards + (np.arange(shards) < options.images % shards)
    if options.reach != "all" and options.reach >= shards:
        next_ones = f"of {number_of(shards, 'shard')}, each has {shards - 1} next to it"
        raise BadInput(f"--reach {options.reach}: {next_ones}; write `all` for every one")
    if options.leaked > dominant.min():
        least = number_of(dominant.min(), "image")
        raise BadInput(f"--leaked {options.leaked}: a shard of {shards} has {least} of its own to copy")
    names = [f"{number:09}" for number in range(shards)]
    try:
        return leakage_matrix(names, dominant, options.leaked, names, options.reach)
    except MemoryError as error:
        raise BadInput(f"--shards {shards}: a leakage matrix of that size does not fit into memory") from error


def read_matrix(path: Path) -> np.ndarray:
    """Raises BadInput for what is no leakage matrix."""
    check_regular(path)
    try:
        table = pd.read_csv(path, dtype={"shard": str, "class": str, "images": "int64"})
        wide = table.pivot(index="shard", columns="class", values="images")
    except (OSError, KeyError, ValueError) as error:
        raise BadInput(f"{path}: not a table of whole numbers `images` by `shard` and `class` ({error})") from error
    if list(wide.index) != list(wide.columns) or wide.isna().any(axis=None):
        raise BadInput(f"{path}: it needs one row for each pair of a shard and a class, under the same names")
    matrix = wide.to_numpy(dtype=np.int64)
    if (matrix < 0).any() or (matrix > matrix.diagonal()).any():
        raise BadInput(f"{path}: a shard holds fewer than no images of a class, or more than the class's own shard")
    return matrix


def draw(matrix: np.ndarray, options: argparse.Namespace, rng: np.random.Generator) -> Requests:
    dominant = matrix.diagonal()
    if options.pattern == "user":
        return simulation.by_user(dominant, options.requests, rng, options.user_images)
    pattern = simulation.by_class if options.pattern == "class" else simulation.uniform
    return pattern(dominant, options.requests, rng)


def curve(matrix: np.ndarray, slices: int, options: argparse.Namespace, on_shard) -> dict:
    """What the requests cost with these shards and slices: each play's batches, and the closed form if there is one."""
    step_epochs = slice_epochs(options.epochs, slices)
    how = {"slices": slices, "step_epochs": step_epochs, "full_epochs": options.epochs, "on_shard": on_shard}
    how |= {"batch": options.batch, "scope": options.scope}
    plays = [np.random.default_rng([options.seed, play, len(matrix), slices]) for play in range(options.plays)]
    played = [simulation.play(matrix, draw(matrix, options, rng), rng=rng, **how) for rng in plays]
    return {
        "matrix": matrix,
        "slices": slices,
        "requests": options.requests,
        "batch": options.batch,
        "retraining": np.array([each.retraining for each in played]),
        "full": np.array([each.full for each in played]),
        "closed_form": expected(matrix, slices, step_epochs, options),
    }


def expected(matrix: np.ndarray, slices: int, step_epochs: float, options: argparse.Namespace) -> np.ndarray | None:
    """Samples of each batch in closed form, [B]; None where we have no form."""
    if options.pattern == "uniform" and options.requests % options.batch == 0:
        sizes, images = matrix.sum(axis=1), int(matrix.trace())
        return closed_forms.uniform_requests(sizes, images, slices, step_epochs, options.requests, options.batch)
    if options.pattern == "class" and options.batch == 1 and slices == 1 and options.scope == ALL:
        return closed_forms.class_requests(matrix, options.epochs, options.requests)
    return None


def summary(curve: dict) -> dict:
    """One row of the table, per request."""
    retraining, full = (curve[key].sum(axis=1) / curve["requests"] for key in ("retraining", "full"))
    shards, slices = len(curve["matrix"]), curve["slices"]
    return {
        **{"shards": shards, "slices": slices, "images a shard": round(curve["matrix"].sum() / shards)},
        "checkpoints": shards * slices,
        "retraining": retraining.mean(),
        "standard error": retraining.std(ddof=1) / len(retraining) ** 0.5 if len(retraining) > 1 else np.nan,
        "closed form": np.nan if curve["closed_form"] is None else curve["closed_form"].sum() / curve["requests"],
        "full retraining": full.mean(),
        "times cheaper": full.mean() / retraining.mean() if retraining.mean() else np.inf,
    }


def readable(value: float) -> str:
    if pd.isna(value):
        return "-"
    return f"{value:,.1f}" if value < 1000 and value % 1 else f"{value:,.0f}"
