"""What exact precision costs in accuracy: the same models in exact and in float32 precision, seed by seed.

    python benchmarks/precision_accuracy.py animal_mnist   # recipe fast: all states and baselines, 5 seeds
    python benchmarks/precision_accuracy.py animals10      # recipe photo: one member, 2 seeds, for it takes long

Leakage high, 5 classes. Seed i deals the images (split_seed) and trains (seed). Both precisions get the same images,
random numbers and initial weights, on one thread. Accuracy is in percent, on held-out images, of a state's ensemble, of
a baseline, or of one member alone (named as its shard): the mean over the seeds. The difference is exact less float32,
in points; ± is half the 95 % interval of its mean (Student's t over the seeds). After each seed of each model,
benchmarks/precision_accuracy-DATASET.csv is written, and every seed's accuracies to the JSON beside it.
"""

import argparse
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine
import scenario

from sisa.base import paths
from sisa.base.params import EXACT
from sisa.data.images import Images
from sisa.evaluation.aggregation import loss_of, predict
from sisa.training.loop import be_deterministic
from sisa.unlearning.forget_set import forget
from sisa.unlearning.states import BASELINES, STATES, members_by_state

CHOICES = {
    "animal_mnist": ("dataset=animal_mnist", "train=fast", "leakage=high", "classes=5"),
    "animals10": ("dataset=animals10", "train=photo", "leakage=high", "classes=5"),
}
SEEDS = {
    "animal_mnist": dict.fromkeys((*STATES, *(folder.name for folder in BASELINES)), 5),
    "animals10": {"cat": 2},
}
PRECISIONS = (EXACT, "float32")
Training = tuple[str, Images, np.ndarray, int]  # the name that derives seeds, images, their slices, how many slices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=CHOICES)
    dataset, rows = parser.parse_args().dataset, []
    be_deterministic(1)
    jobs = [(model, seed) for model, seeds in SEEDS[dataset].items() for seed in range(seeds)]
    for model, seed in tqdm(jobs, desc=dataset, disable=None):
        found = {precision: accuracy(dataset, seed, precision, model) for precision in PRECISIONS}
        rows.append({"model": model, "seed": seed} | found)
        table = compared(pd.DataFrame(rows))
        table.to_csv(Path(f"benchmarks/precision_accuracy-{dataset}.csv"), index=False)
        machine.write(f"precision_accuracy-{dataset}", {"accuracies": rows})
    print(tabulate(table, headers="keys", showindex=False))


def accuracy(dataset: str, seed: int, precision: str, model: str) -> float:
    """The share of held-out images that a state's ensemble, or a model alone, names right."""
    deal, (trainings, answering) = dealt(dataset, seed), models(dataset, seed)
    logits = np.stack([trained(dataset, seed, precision, folder) for folder in answering[model]])
    found = logits[0].argmax(axis=1)
    if model in STATES:
        classes = [trainings[folder][1].classes for folder in answering[model]]
        counts = np.array([[(each == name).sum() for name in deal.params.class_names] for each in classes])
        found = predict(deal.params.aggregation, logits, counts, loss_of(deal.params.train))
    return float((found == np.searchsorted(deal.params.class_names, deal.held_out.classes)).mean())


@cache
def trained(dataset: str, seed: int, precision: str, folder: Path) -> np.ndarray:
    """The held-out logits [n, K] float64 of the model that the stages would put there."""
    deal, (trainings, _) = dealt(dataset, seed), models(dataset, seed)
    recipe = deal.params.train.model_copy(update={"precision": precision})
    params = deal.params.model_copy(update={"train": recipe})
    return scenario.answers(*trainings[folder], params, deal.held_out)


@cache
def dealt(dataset: str, seed: int) -> scenario.Scenario:
    return scenario.deal_out(scenario.compose(*CHOICES[dataset], f"seed={seed}", f"split_seed={seed}"))


@cache
def models(dataset: str, seed: int) -> tuple[dict[Path, Training], dict[str, list[Path]]]:
    """What the stages train each model on, and which models answer: in each state, as each baseline, as each member."""
    deal = dealt(dataset, seed)
    params, members = deal.params, paths.members(deal.params)
    retained, to_forget = forget(deal.shards, params.forget.classes, params.forget.scope, [])
    trainings = {
        folder / name: (name, shard, shard.slices, params.slices)
        for folder, shards in {members: deal.shards, paths.retrained(params): retained}.items()
        for name, shard in shards.items()
    }
    unions = (deal.union, deal.union.take(~deal.union.among(to_forget.ids)))
    for folder, images in zip(BASELINES, unions, strict=True):
        trainings[folder] = ("baseline", images, np.zeros(len(images), dtype=np.int64), 1)
    alone = {folder.name: [folder] for folder in (*BASELINES, *(members / name for name in params.shards))}
    return trainings, members_by_state(params, to_forget) | alone


def compared(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a model: means over the seeds, and the mean of the seeds' differences with half its interval."""
    found = []
    for model, each in rows.groupby("model", sort=False):
        percent = each[[*PRECISIONS]] * 100
        percent["difference"] = percent[EXACT] - percent["float32"]
        half = stats.t.ppf(0.975, len(each) - 1) * percent["difference"].sem()  # of one seed: not a number
        found.append({"model": model, "seeds": len(each), **percent.mean().round(2), "±": round(half, 2)})
    return pd.DataFrame(found)


if __name__ == "__main__":
    machine.run(main)
