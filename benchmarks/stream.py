"""What a stream of random requests costs on up-to-date checkpoints, against the closed form and other ways to do it.

    python benchmarks/stream.py

For the default scenario of conf/, its members in 1 to 16 slices, forgetting no class: streams of 100 requests that fall
uniformly on the images, no image twice, counted without training by cost.stream, which the tests hold to what training
counts. Written to benchmarks/stream.csv, in samples a request: the mean over all streams with its standard error, the
closed form (closed_forms.uniform_requests, with the epochs really used) and the difference; and what the same requests
take where each resumes from the members as first trained, as `dvc repro` after each of them does, or all of them
at once.
"""

import sys

import numpy as np
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine
import scenario

from sisa.cost.closed_forms import uniform_requests
from sisa.cost.stream import steps
from sisa.training.slicing import slice_epochs

SLICES = (1, 2, 4, 8, 16)
STREAMS, REQUESTS = 2000, 100


def main() -> None:
    rows = [measured(slices) for slices in tqdm(SLICES, unit="number of slices", disable=None)]
    table = pd.DataFrame(rows)
    table.to_csv("benchmarks/stream.csv", index=False)
    print(tabulate(table, headers="keys", showindex=False))


def measured(slices: int) -> dict:
    """One row: the streams are the same for every number of slices."""
    params = scenario.compose(f"slices={slices}", "forget.class=null")
    deal = scenario.deal_out(params)
    left = {name: np.ones(len(shard), dtype=bool) for name, shard in deal.shards.items()}
    how = {"slices": slices, "epochs": slice_epochs(params.train.epochs, slices)}
    rng, counted, afresh, at_once = np.random.default_rng(0), [], [], []
    for _ in range(STREAMS):
        drawn = rng.choice(deal.union.ids, REQUESTS, replace=False).tolist()
        played = list(steps(deal.shards, left, [[image] for image in drawn], **how))
        counted.append(sum(step.samples for step in played) / REQUESTS)
        afresh.append(sum(step.afresh for step in played) / REQUESTS)
        (together,) = steps(deal.shards, left, [drawn], **how)
        at_once.append(together.samples / REQUESTS)
    sizes, images = np.array([len(shard) for shard in deal.shards.values()]), len(deal.union)
    closed_form = uniform_requests(sizes, images, slices, how["epochs"], REQUESTS, 1).sum() / REQUESTS
    return {
        "slices": slices,
        "epochs a slice": how["epochs"],
        "stream": f"{np.mean(counted):.0f}",
        "standard error": f"{np.std(counted, ddof=1) / STREAMS**0.5:.0f}",
        "closed form": f"{closed_form:.0f}",
        "stream against it": f"{np.mean(counted) / closed_form - 1:+.2%}",
        "dvc repro after each": f"{np.mean(afresh):.0f}",
        "the stream saves": f"{1 - np.mean(counted) / np.mean(afresh):.0%}",
        "dvc repro once": f"{np.mean(at_once):.0f}",
    }


if __name__ == "__main__":
    machine.run(main)
