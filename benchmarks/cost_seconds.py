"""What forgetting the class costs in seconds, beside the samples that the training loop counts.

    python benchmarks/cost_seconds.py [--repeats 3]        (after dvc repro)

The members are retrained from the checkpoints in the workspace at either scope, and the conventional model from
nothing, in turn; the class is that of params.yaml. Seconds are of training and its files alone, without imports and
without DVC; medians, in benchmarks/cost_seconds.csv. The machine and every repeat are in the JSON beside it.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

from sisa.base import paths
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Images
from sisa.training import checkpoints, loop, resume
from sisa.training.fit import fit
from sisa.unlearning.forget_set import ALL, ONLY_DOMINANT, forget


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats, params = parser.parse_args().repeats, load()
    loop.be_deterministic(params.threads)
    measured = {
        "the members, scope dominant": lambda folder: members(ONLY_DOMINANT, folder, params),
        "the members, scope all": lambda folder: members(ALL, folder, params),
        "the conventional model": lambda folder: baseline(folder, params),
    }
    rows = []
    with tempfile.TemporaryDirectory(prefix=".cost-", dir="models") as folder:
        baseline(Path(folder), params)  # the first training of a process is slower
        for _ in tqdm(range(repeats), desc="repeats", disable=None):
            for what, retrain in measured.items():
                start = time.perf_counter()
                rows.append((what, retrain(Path(folder)), time.perf_counter() - start))
    table = pd.DataFrame(rows, columns=["retrained", "samples", "seconds"])
    table = table.groupby(["retrained", "samples"], sort=False)["seconds"].median().reset_index()
    table["samples a second"] = (table["samples"] / table["seconds"]).round(-2).astype(int)
    table["seconds"] = table["seconds"].round(1)
    table.to_csv("benchmarks/cost_seconds.csv", index=False)
    machine.write("cost_seconds", {"repeats": repeats, "rows": [list(row) for row in rows]})
    print(tabulate(table, headers="keys", showindex=False))


def members(scope: str, folder: Path, params: Params) -> int:
    """Retrain the members of the shards that the class is forgotten in; the samples counted."""
    shards = tables.read_shards(paths.SHARDS, params.shards)
    retained, to_forget = forget(shards, params.forget.classes, scope, [])
    counted = [
        resume.retrain(name, retained[name], paths.members(params) / name, folder / name, params)
        for name in to_forget.affected
    ]
    return sum(each.samples for each in counted)


def baseline(folder: Path, params: Params) -> int:
    """Train the conventional model without the forgotten class; the samples counted."""
    images = tables.read(paths.UNION_RETAINED, Images)
    fit(folder / "baseline", "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)
    return checkpoints.samples(checkpoints.read_log(folder / "baseline"))


if __name__ == "__main__":
    machine.run(main)
