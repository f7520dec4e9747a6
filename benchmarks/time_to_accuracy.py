"""Seconds of training to a held-out accuracy: the notebooks' recipe and ours, side by side on the same images.

    python benchmarks/time_to_accuracy.py [--repeats 3]

Leakage high, one slice, as the notebooks had it, photos in 3 classes (make data DATASET=animals10 FROM=...) and
silhouettes in 5: each member, the ensemble by averaged logits, and the conventional model. Ours is trained in full,
`repeats` times, and scored after each epoch with the clock stopped. What the notebooks' recipe reaches after how many
epochs is in benchmarks/notebook-DATASET.csv (benchmarks/notebook.py, once); the seconds of its batches are measured
here, a few in turn with each of our models, all on the threads of preset `notebook`. Medians, in
benchmarks/time_to_accuracy.csv; every epoch of ours in benchmarks/time_to_accuracy-curves.csv.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tabulate import tabulate
from torch.utils.data import DataLoader
from torchvision.models import resnet18
from tqdm import tqdm

sys.path.insert(0, "src")

import machine
import notebook
import scenario

from sisa.base.errors import BadInput
from sisa.data.images import Images
from sisa.inference.logits import logits_of
from sisa.training import loop

OURS = {
    "animals10": ("dataset=animals10", "train=photo", "classes=3", "slices=1"),
    "animal_mnist": ("dataset=animal_mnist", "train=fast", "classes=5", "slices=1"),
}
BATCHES = 5  # of the notebooks' recipe, timed after each model of ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    for dataset in OURS:
        if not written(dataset).is_file():
            raise BadInput(f"{written(dataset)}: no such file; make it once: python benchmarks/notebook.py {dataset}")
    curves, tables, batches = {}, {}, {}
    for dataset in OURS:
        curves[dataset], tables[dataset], batches[dataset] = race(dataset, repeats)
    table = pd.concat(tables, names=["data set"]).reset_index("data set").round(3)
    table.to_csv("benchmarks/time_to_accuracy.csv", index=False)
    pd.concat(curves, names=["data set"]).reset_index("data set").round(4).to_csv(
        "benchmarks/time_to_accuracy-curves.csv", index=False
    )
    machine.write("time_to_accuracy", {"repeats": repeats, "notebook_seconds_a_batch": batches})
    print(tabulate(table, headers="keys", showindex=False))


def written(dataset: str) -> Path:
    return Path(f"benchmarks/notebook-{dataset}.csv")


def race(dataset: str, repeats: int) -> tuple[pd.DataFrame, pd.DataFrame, list[float]]:
    """Our curves (model, epoch, seconds, accuracy), the comparison, and seconds a batch of the notebooks' recipe."""
    ours, theirs = (scenario.deal_out(scenario.compose(*each[dataset])) for each in (OURS, notebook.CHOICES))
    loop.be_deterministic(theirs.params.threads)  # both on as many cores
    models = ours.shards | {"baseline_full": ours.union}
    rows, batch = [], []
    with tempfile.TemporaryDirectory() as folder, tqdm(total=repeats * len(models), desc=dataset, disable=None) as bar:
        photos = notebook.Photos(theirs.union, theirs, scenario.files(theirs, Path(folder)))
        for _ in range(repeats):
            curves = {}
            for name, images in models.items():
                curves[name] = list(curve(name, images, ours))
                batch += seconds_of_batches(photos, theirs)
                bar.update()
            rows += scored(curves, ours)
    table = pd.DataFrame(rows, columns=["model", "epoch", "seconds", "accuracy"])
    table = table.groupby(["model", "epoch"], sort=False).median().reset_index()
    return table, compared(table, read_notebook(theirs, float(np.median(batch)))), batch


def curve(name: str, images: Images, deal: scenario.Scenario) -> Iterator[tuple[int, float, np.ndarray]]:
    """Train one model of ours; after each epoch its number, the seconds so far and the held-out logits [n, K]."""
    params = deal.params
    recipe, classes, where = params.train, len(params.class_names), loop.device(params.train.precision)
    pixels = torch.from_numpy(images.pixels).to(where)
    labels = torch.from_numpy(np.searchsorted(params.class_names, images.classes)).to(where)
    start = time.perf_counter()
    network = loop.build(recipe, pixels.shape[1], classes)
    loop.draw_weights(network, torch.Generator().manual_seed(loop.derived_seed(params.seed, name, "weights")))
    network.to(where, memory_format=torch.channels_last)
    loop.whiten(network, loop.normalize(pixels[: loop.WHITENED]))
    optimizer = loop.Optimizer(network, recipe.optimizer)
    prior = loop.log_prior(labels, classes, recipe.logit_adjustment)
    generator = torch.Generator().manual_seed(loop.derived_seed(params.seed, name, 0))
    epochs = loop.train_slice(network, optimizer, pixels, labels, prior, recipe, recipe.epochs, generator)
    seconds = 0.0
    for row in epochs:
        seconds += time.perf_counter() - start
        yield (
            row["epoch"],
            seconds,
            logits_of([network], torch.from_numpy(deal.held_out.pixels), params.train)[0].numpy(),
        )
        network.train()
        start = time.perf_counter()


def scored(curves: dict[str, list], deal: scenario.Scenario) -> list[tuple]:
    """Rows (model, epoch, seconds, accuracy) of each model, and of the ensemble of the members, trained one by one."""
    actual = np.searchsorted(deal.params.class_names, deal.held_out.classes)
    each = [(name, *point) for name, points in curves.items() for point in points]
    together = [
        ("ensemble", points[0][0], sum(point[1] for point in points), np.mean([point[2] for point in points], axis=0))
        for points in zip(*(curves[name] for name in deal.shards), strict=True)
    ]
    return [
        (name, epoch, seconds, (logits.argmax(axis=1) == actual).mean())
        for name, epoch, seconds, logits in each + together
    ]


def seconds_of_batches(photos: notebook.Photos, deal: scenario.Scenario) -> list[float]:
    """Of some batches of the notebooks' recipe: photos decoded, forward, backward, step."""
    network = resnet18(num_classes=len(deal.params.class_names))
    optimizer = torch.optim.Adam(network.parameters(), lr=deal.params.train.optimizer.learning_rate)
    loader = DataLoader(photos, batch_size=deal.params.train.batch_size, shuffle=True)
    batches, seconds = iter(loader), []
    for _ in range(BATCHES + 1):
        start = time.perf_counter()
        notebook.train_epoch(network, optimizer, islice(batches, 1))
        seconds.append(time.perf_counter() - start)
    return seconds[1:]  # the first one warms up


def read_notebook(deal: scenario.Scenario, seconds_a_batch: float) -> pd.DataFrame:
    """The notebooks' curves, with seconds on this machine: model, epoch, seconds, accuracy."""
    table = pd.read_csv(written(deal.params.dataset.name)).dropna(subset="accuracy")
    size = deal.params.train.batch_size
    batches = {name: -(-len(images) // size) for name, images in (deal.shards | {"baseline_full": deal.union}).items()}
    batches["ensemble"] = sum(batches[name] for name in deal.shards)
    table["seconds"] = table["epoch"] * table["model"].map(batches) * seconds_a_batch
    return table


def compared(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """For each model: what the notebooks' recipe ends with, when ours is there, and what ours ends with."""
    rows = []
    for model, curve_of in theirs.groupby("model", sort=False):
        goal, end = curve_of.iloc[-1], ours[ours["model"] == model].iloc[-1]
        there = ours[(ours["model"] == model) & (ours["accuracy"] >= goal["accuracy"])]
        seconds = there["seconds"].iloc[0] if len(there) else np.nan
        rows.append(
            {
                "model": model,
                "notebook accuracy": goal["accuracy"],
                "notebook seconds": goal["seconds"],
                "ours there after": seconds,
                "times faster": goal["seconds"] / seconds,
                "our accuracy": end["accuracy"],
                "our seconds": end["seconds"],
                "times shorter": goal["seconds"] / end["seconds"],
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    machine.run(main)
