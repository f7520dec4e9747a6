"""When exact forgetting costs more than training one conventional model again: predicted, without training.

    python benchmarks/exactness.py

For the data set and recipe of conf/: forgetting cat exactly in every scenario of `make scenarios`, and at level high
with cat's copies in none to all but one of the other shards (leakage.reach). Written to benchmarks/exactness.csv: the
shards that hold a cat, samples of retraining them without cats (cost.predictions), and samples of training one model on
all images that are no cats. Both are whole epochs, as they would be trained.
"""

import sys

import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine
import scenario

from sisa.cost.predictions import predicted_retraining
from sisa.data.images import one_of
from sisa.training.slicing import slice_epochs
from sisa.unlearning.forget_set import ALL, covered

LEVELS = ("high", "low", "none")


def main() -> None:
    cases = [(classes, level, None) for classes in (5, 3) for level in LEVELS]
    cases += [(classes, "high", reach) for classes in (5, 3) for reach in range(classes - 1)]
    rows = [predicted(*case) for case in tqdm(cases, unit="case", disable=None)]
    table = pd.DataFrame(rows)
    table.to_csv("benchmarks/exactness.csv", index=False)
    print(tabulate(table, headers="keys", showindex=False))


def predicted(classes: int, level: str, reach: int | None) -> dict:
    choices = [f"classes={classes}", f"leakage={level}", *([f"leakage.reach={reach}"] if reach is not None else [])]
    params = scenario.compose(*choices)
    deal = scenario.deal_out(params)
    classes, train = params.forget.classes, params.train
    epochs = slice_epochs(train.epochs, params.slices)
    gone = {name: covered(shard, classes, ALL, []) for name, shard in deal.shards.items()}
    exact = sum(
        predicted_retraining(shard.slices, gone[name], params.slices, epochs) for name, shard in deal.shards.items()
    )
    full = int((~one_of(deal.union.classes, classes)).sum()) * slice_epochs(train.epochs, 1)
    return {
        "classes": classes,
        "leakage": level if reach is None else f"{level}, leakage.reach={reach}",
        "shards that hold cats": sum(bool(rows.any()) for rows in gone.values()),
        "exact forgetting, samples": exact,
        "one model again, samples": full,
        "exact / again": f"{exact / full:.0%}",
    }


if __name__ == "__main__":
    machine.run(main)
