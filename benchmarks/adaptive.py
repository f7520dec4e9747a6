"""Requests that depend on the models break SISA's guarantee: the attack of Gupta et al. 2021, in our setting.

    python benchmarks/adaptive.py [--plays 40]        (after dvc repro)

In each play, IMAGES of the union are dealt at random to two shards, and a member is trained on each (the recipe of
params.yaml, without random changes of the images). Someone who sees both members' answers then requests the REQUESTS
images of which the first member is surer than the second: those of the first shard. SISA forgets them exactly, and
deals nothing anew, so the first shard is left small, and its member weak. A service that was trained anew on the same
remaining images, dealt at random, has no such member. So the models after forgetting are not distributed as those
trained anew: SISA promises that for requests that are independent of the models only. The control requests as many
images at random.

Measured is how much surer the second member is of the held-out images than the first, in mean log-odds of their class:
after forgetting, and after training anew on the same remaining images. Means over the plays, their mean paired
difference with its 95 % interval, and p of Student's t, in benchmarks/adaptive.csv.
"""

import argparse
import sys
from itertools import count

import numpy as np
import pandas as pd
import torch
from scipy import stats
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

from sisa.base import paths
from sisa.base.elementary import softmax
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Images
from sisa.evaluation.intervals import half_width
from sisa.inference.logits import logits_of
from sisa.inference.odds import log_odds
from sisa.training import loop
from sisa.training.networks import build

IMAGES, REQUESTS, EPOCHS = 400, 100, 10
STILL = {"flip": False, "rotate": 0.0, "scale": 0.0, "shift": 0.0, "color": 0.0, "cutout": 0.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plays", type=int, default=40)
    plays, params = parser.parse_args().plays, load()
    loop.be_deterministic(params.threads)
    union, test = tables.read(paths.UNION, Images), tables.read(paths.TEST, Images)
    rows = [row for number in tqdm(range(plays), unit="play") for row in play(number, union, test, params)]
    found = pd.DataFrame(rows).groupby("requests", sort=False).apply(summary, include_groups=False).reset_index()
    found.to_csv("benchmarks/adaptive.csv", index=False)
    print(tabulate(found, headers="keys", showindex=False))


def summary(rows: pd.DataFrame) -> pd.Series:
    apart = rows["after forgetting"] - rows["trained anew"]
    means = rows[["of the first shard", "after forgetting", "trained anew"]].mean().round(3)
    difference = f"{apart.mean():.3f} ± {half_width(apart):.3f}"
    p = stats.ttest_1samp(apart, 0).pvalue
    return pd.concat([means, pd.Series({"difference": difference, "p": f"{p:.2g}", "plays": len(rows)})])


def play(number: int, union: Images, test: Images, params: Params) -> list[dict]:
    """One row each for adaptive and independent requests."""
    generator, seeds = np.random.default_rng(loop.derived_seed("adaptive", number)), count()
    images = union.take(np.sort(generator.permutation(len(union))[:IMAGES]))
    first = generator.permutation(IMAGES) < IMAGES // 2

    def surer(rows: np.ndarray, shard: np.ndarray, of: Images) -> np.ndarray:
        """Of each image, how much surer the second member is than the first, trained on these rows in two shards."""
        odds = [
            odds_of(images.take(rows & side), of, params, ("adaptive", number, next(seeds))) for side in (shard, ~shard)
        ]
        return odds[1] - odds[0]

    everything = np.ones(IMAGES, dtype=bool)
    wanted = {
        "adaptive": np.argsort(surer(everything, first, images))[:REQUESTS],
        "independent": generator.permutation(IMAGES)[:REQUESTS],
    }
    rows = []
    for name, gone in wanted.items():
        left = everything.copy()
        left[gone] = False
        anew = np.zeros(IMAGES, dtype=bool)
        anew[generator.permutation(np.flatnonzero(left))[: left.sum() // 2]] = True
        means = {
            "after forgetting": surer(left, first, test).mean(),
            "trained anew": surer(left, anew, test).mean(),
        }
        rows.append({"requests": name, "of the first shard": first[gone].mean()} | means)
    return rows


def odds_of(images: Images, of: Images, params: Params, seed: tuple) -> np.ndarray:
    """The log-odds of the class of each image of `of` [n], by a member trained on `images`."""
    recipe = params.train.model_copy(
        update={"augment": params.train.augment.model_copy(update=STILL), "epochs": EPOCHS, "test_flip": False}
    )
    labels, classes = np.searchsorted(params.class_names, images.classes), len(params.class_names)
    training = (torch.from_numpy(images.pixels), torch.from_numpy(labels), torch.zeros(len(images), dtype=torch.int64))
    *_, (_, last) = loop.train_member(*training, slice_count=1, classes=classes, recipe=recipe, seed=seed)
    network = build(recipe, params.dataset.channels, classes)
    network.load_state_dict(last.weights)
    logits = logits_of([network], torch.from_numpy(of.pixels), recipe)[0].double().numpy()
    return log_odds(softmax(logits), np.searchsorted(params.class_names, of.classes))


if __name__ == "__main__":
    machine.run(main)
