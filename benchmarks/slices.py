"""How many slices to take by default: what they cost in accuracy, on validation images.

    python benchmarks/slices.py [--seeds 3]

For the scenario of params.yaml: the ensemble of members trained in R slices, scored on 100 dominant images of each
class that are held out of the shards for it; the test set is never looked at. Written to
benchmarks/slices-DATASET.csv: accuracy overall and on the forgotten class, mean over seeds, and by how much the mean
over seeds is below that of R = 1, with the standard error of that difference (seeds are paired).
"""

import sys
from itertools import product

import numpy as np
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import validation

from sisa.data.images import one_of
from sisa.evaluation.aggregation import AGGREGATIONS, loss_of, predict
from sisa.training.slicing import slice_epochs

SLICES = (1, 2, 4, 8)


def main() -> None:
    params, seeds = validation.start(__doc__)
    _, _, held = validation.parts(params)
    actual = np.searchsorted(params.class_names, held.classes)
    rows = []
    with tqdm(total=seeds * len(SLICES) * len(params.shards), desc="members", disable=None) as bar:
        for seed, slices in product(range(seeds), SLICES):
            logits, counts = validation.members(params, params.leakage.reach, slices, seed, bar.update)
            for aggregation in AGGREGATIONS:
                right = predict(aggregation, logits, counts, loss_of(params.train)) == actual
                forgotten = right[one_of(held.classes, params.forget.classes)].mean()
                rows.append((aggregation, slices, seed, right.mean(), forgotten))
    table = compared(pd.DataFrame(rows, columns=["aggregation", "slices", "seed", "accuracy", "forgotten"]))
    table.insert(2, "epochs", [slice_epochs(params.train.epochs, slices) for slices in table["slices"]])
    table.round(4).to_csv(f"benchmarks/slices-{params.dataset.name}.csv", index=False)
    print(f"{params.dataset.name}, mean of {seeds} training seeds, {len(held)} validation images")
    print(tabulate(table, headers="keys", showindex=False, floatfmt=".4f"))


def compared(scores: pd.DataFrame) -> pd.DataFrame:
    """Means over seeds, and the accuracy lost against one slice of the same seed, with its standard error."""
    keys = ["aggregation", "seed"]
    whole = scores[scores["slices"] == 1].set_index(keys)["accuracy"].rename("whole")
    scores = scores.join(whole, on=keys)
    scores["lost"] = scores["whole"] - scores["accuracy"]
    grouped = scores.groupby(["aggregation", "slices"], sort=False)
    table = grouped[["accuracy", "forgotten", "lost"]].mean()
    table["standard_error"] = grouped["lost"].sem()
    return table.reset_index()


if __name__ == "__main__":
    main()
