"""What a training step takes in each precision, on one thread, in turn.

    python benchmarks/precision.py [--rounds 8]        (bring animals10 in first)

In each round, for the recipes fast (silhouettes) and photo (photos), every precision trains for one epoch on the same
480 images of the union (leakage high, 5 classes), with the recipe's augmentation, loss and optimizer. Medians over the
rounds, in milliseconds a step, and the median of each round's ratio to float32, in benchmarks/precision.csv. They are
CPU milliseconds of the one thread, so that what else runs matters less. The machine, its load and every round are in
the JSON beside it.
"""

import argparse
import os
import sys
import time

import numpy as np
import pandas as pd
import torch
from tabulate import tabulate
from torch import Tensor
from tqdm import tqdm

sys.path.insert(0, "src")

import machine
import scenario

from sisa.base.params import EXACT, Params
from sisa.training import loop

RECIPES = {"fast": ("dataset=animal_mnist", "train=fast"), "photo": ("dataset=animals10", "train=photo")}
PRECISIONS = (EXACT, "float32", "bfloat16")
IMAGES = 480
Training = tuple[Params, Tensor, Tensor]  # pixels [IMAGES, c, h, w] uint8 and labels [IMAGES] int64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    rounds = parser.parse_args().rounds
    loop.be_deterministic(1)
    trainings = {name: training(scenario.deal_out(scenario.compose(*RECIPES[name]))) for name in RECIPES}
    cases = [(name, precision) for name in RECIPES for precision in PRECISIONS]
    for name, precision in cases:
        milliseconds(precision, *trainings[name])  # the first training of a process is slower
    load, measured = os.getloadavg(), []
    for _ in tqdm(range(rounds), desc="rounds", disable=None):
        measured.append([milliseconds(precision, *trainings[name]) for name, precision in cases])
    table = compared(pd.DataFrame(measured, columns=pd.MultiIndex.from_tuples(cases, names=["recipe", "precision"])))
    table.to_csv("benchmarks/precision.csv", index=False)
    named = [" ".join(case) for case in cases]
    by_round = [dict(zip(named, row, strict=True)) for row in measured]
    machine.write("precision", {"load": {"before": load, "after": os.getloadavg()}, "rounds": by_round})
    print(tabulate(table, headers="keys", showindex=False))


def training(deal: scenario.Scenario) -> Training:
    images = deal.union.take(np.linspace(0, len(deal.union) - 1, IMAGES).astype(int))
    labels = np.searchsorted(deal.params.class_names, images.classes)
    return deal.params, torch.from_numpy(images.pixels), torch.from_numpy(labels)


def compared(measured: pd.DataFrame) -> pd.DataFrame:
    """Medians over the rounds, and of each round's ratio to float32; measured has a row a round, a column a case."""
    ratio = {case: (measured[case] / measured[case[0], "float32"]).median() for case in measured}
    table = pd.DataFrame({"ms a step": measured.median().round(1), "of float32": pd.Series(ratio).round(2)})
    return table.reindex(measured.columns).reset_index()


def milliseconds(precision: str, params: Params, pixels: Tensor, labels: Tensor) -> float:
    recipe = params.train.model_copy(update={"precision": precision, "epochs": 1})
    slices = torch.zeros(IMAGES, dtype=torch.int64)
    options = {"slice_count": 1, "classes": len(params.class_names), "recipe": recipe, "seed": (0, "step")}
    start = time.process_time()
    for _ in loop.train_member(pixels, labels, slices, **options):
        pass
    return (time.process_time() - start) * 1000 / loop.batch_count(IMAGES, recipe.batch_size)


if __name__ == "__main__":
    machine.run(main)
