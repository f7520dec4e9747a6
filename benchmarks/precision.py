"""What a training step takes in each precision, on one thread, in turn.

    python benchmarks/precision.py [--rounds 8]        (after dvc repro)

In each round, every precision trains the network of params.yaml for one epoch on the same 480 images of the union, with
its augmentation, loss and optimizer. Medians over the rounds, in milliseconds a step, and the median of each round's
ratio to float32, in benchmarks/precision.csv. The machine and every round are in the JSON beside it.
"""

import argparse
import sys
import time

import numpy as np
import pandas as pd
import torch
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

from sisa.base import paths
from sisa.base.params import EXACT, Params, load
from sisa.data import tables
from sisa.data.images import Images
from sisa.training import loop

PRECISIONS = (EXACT, "float32", "bfloat16")
IMAGES = 480


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    rounds, params = parser.parse_args().rounds, load()
    loop.be_deterministic(1)
    union = tables.read(paths.UNION, Images)
    images = union.take(np.linspace(0, len(union) - 1, IMAGES).astype(int))
    for precision in PRECISIONS:
        milliseconds(precision, images, params)  # the first training of a process is slower
    rows = [
        {precision: milliseconds(precision, images, params) for precision in PRECISIONS}
        for _ in tqdm(range(rounds), desc="rounds", disable=None)
    ]
    measured = pd.DataFrame(rows)
    ratio = measured.div(measured["float32"], axis=0).median()
    table = pd.DataFrame({"ms a step": measured.median().round(1), "of float32": ratio.round(2)})
    table.index.name = "precision"
    table.to_csv("benchmarks/precision.csv")
    machine.write("precision", {"rounds": rows})
    print(tabulate(table, headers="keys"))


def milliseconds(precision: str, images: Images, params: Params) -> float:
    recipe = params.train.model_copy(update={"precision": precision, "epochs": 1})
    labels = np.searchsorted(params.shards, images.classes)
    training = (torch.from_numpy(images.pixels), torch.from_numpy(labels), torch.zeros(IMAGES, dtype=torch.int64))
    start = time.perf_counter()
    for _ in loop.train_member(*training, slice_count=1, classes=len(params.shards), recipe=recipe, seed=(0, "step")):
        pass
    return (time.perf_counter() - start) * 1000 / loop.batch_count(IMAGES, recipe.batch_size)


if __name__ == "__main__":
    main()
