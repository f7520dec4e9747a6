"""How much of this machine training uses, and how its time grows with images, pixels, classes and shards.

    python benchmarks/efficiency.py [--repeats 5]

One epoch of each recipe on random pixels (the time does not depend on what they show), medians over repeats, the
recipes in turn. FLOPs are those of convolutions and matrix products, forward and backward, counted by torch; the peak
is the best that a 3 x 3 convolution of 256 channels reaches here, forward and backward, in the recipe's precision.
Memory is the peak of a process of its own that trains one epoch, torch itself included. Shards share the images out;
what each costs as a stage of its own is in benchmarks/time_to_forget.csv. Written to benchmarks/efficiency.csv and
growth.csv.
"""

import argparse
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context

import numpy as np
import pandas as pd
import torch
from tabulate import tabulate
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from tqdm import tqdm

sys.path.insert(0, "src")

import machine
import scenario

from sisa.base.params import Params
from sisa.training import loop

RECIPES = {
    "fast": ("dataset=animal_mnist", "train=fast"),
    "photo": ("dataset=animals10", "train=photo"),
    "notebook": ("dataset=animals10", "train=notebook", "dataset.image_size=128"),
}
IMAGES = {"fast": 960, "photo": 480, "notebook": 100}  # about a second each
GROWTH = {
    "images": (500, 1000, 2000, 4000),
    "pixels": (28, 48, 64, 96),
    "classes": (3, 5, 10, 20),
    "shards": (1, 2, 5, 10),
}
BASE = {"images": 1000, "pixels": 28, "classes": 5, "shards": 1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    recipes = {name: scenario.compose(*choices) for name, choices in RECIPES.items()}
    loop.be_deterministic(recipes["notebook"].threads)  # all on as many cores
    efficiency = pd.DataFrame(use(recipes, repeats))
    growth = pd.DataFrame(grow(recipes["fast"], repeats))
    for name, table in {"efficiency": efficiency, "growth": growth}.items():
        table.to_csv(f"benchmarks/{name}.csv", index=False)
        print(tabulate(table, headers="keys", showindex=False))
    machine.write("efficiency", {"repeats": repeats})


def use(recipes: dict[str, Params], repeats: int) -> list[dict]:
    epochs = {
        name: epoch_of(params, IMAGES[name], params.dataset.image_size, len(params.class_names))
        for name, params in recipes.items()
    }
    peaks = {params.train.precision: [] for params in recipes.values()}
    seconds = {name: [] for name in recipes}
    for _ in tqdm(range(repeats), desc="efficiency", disable=None):
        for precision, measured in peaks.items():
            measured.append(peak(precision))
        for name, epoch in epochs.items():
            seconds[name].append(timed(epoch))
    rows = []
    for name, params in recipes.items():
        with FlopCounterMode(display=False) as counter:
            epochs[name]()
        rate = counter.get_total_flops() / np.median(seconds[name]) / 1e9
        best = max(peaks[params.train.precision])
        rows.append(
            {
                "recipe": name,
                "pixels": params.dataset.image_size,
                "precision": params.train.precision,
                "MFLOP an image": round(counter.get_total_flops() / IMAGES[name] / 1e6, 1),
                "images a second": round(IMAGES[name] / np.median(seconds[name]), 1),
                "GFLOP/s": round(rate, 1),
                "peak GFLOP/s": round(best, 1),
                "share": f"{rate / best:.0%}",
                "MB": memory(params, IMAGES[name]),
            }
        )
    return rows


def grow(params: Params, repeats: int) -> list[dict]:
    """Seconds of an epoch as one of the sizes grows and the others stay."""
    cases = [BASE | {what: size} for what, sizes in GROWTH.items() for size in sizes]
    named = [(what, size) for what, sizes in GROWTH.items() for size in sizes]
    epochs = [epoch_of(params, case["images"] // case["shards"], case["pixels"], case["classes"]) for case in cases]
    seconds = [[] for _ in cases]
    for _, number in tqdm(list(product(range(repeats), range(len(cases)))), desc="growth", disable=None):
        seconds[number].append(sum(timed(epochs[number]) for _ in range(cases[number]["shards"])))
    return [
        {
            "what": what,
            "size": size,
            "seconds an epoch": round(float(np.median(measured)), 3),
            "ms an image": round(float(np.median(measured)) / case["images"] * 1e3, 3),
        }
        for (what, size), case, measured in zip(named, cases, seconds, strict=True)
    ]


def epoch_of(params: Params, images: int, pixels: int, classes: int) -> Callable[[], None]:
    """A function that trains a network, warm from a first epoch, for one epoch on random pixels."""
    recipe, where = params.train, loop.device(params.train.precision)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(
        0, 256, (images, params.dataset.channels, pixels, pixels), dtype=torch.uint8, generator=generator
    ).to(where)
    labels = torch.randint(0, classes, (images,), generator=generator).to(where)
    network = loop.build(recipe, drawn.shape[1], classes).to(where, memory_format=torch.channels_last)
    optimizer, prior = loop.Optimizer(network, recipe.optimizer), torch.zeros(classes, device=where)

    def epoch() -> None:
        list(loop.train_slice(network, optimizer, drawn, labels, prior, recipe, 1, generator))

    epoch()
    return epoch


def memory(params: Params, images: int) -> int:
    """Megabytes at the peak of a new process that trains one epoch."""
    unspoilt = get_context("forkserver")  # a spawned process inherits the peak of this one
    with ProcessPoolExecutor(1, mp_context=unspoilt) as pool:
        return pool.submit(resident, params, images).result()


def resident(params: Params, images: int) -> int:
    loop.be_deterministic(params.threads)
    epoch_of(params, images, params.dataset.image_size, len(params.class_names))
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def peak(precision: str) -> float:
    """GFLOP/s of a large convolution, forward and backward."""
    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    where, channels, side, batch = loop.device("float32"), 256, 16, 32
    layer = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
    layer.to(where, dtype=kind, memory_format=torch.channels_last)
    images = torch.randn(batch, channels, side, side, device=where, dtype=kind, requires_grad=True)
    images = images.contiguous(memory_format=torch.channels_last).detach().requires_grad_()

    def work() -> None:
        answer = layer(images)
        answer.backward(torch.ones_like(answer))

    work()
    return 3 * 2 * batch * side**2 * channels**2 * 9 / timed(work) / 1e9


def timed(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


if __name__ == "__main__":
    machine.run(main)
