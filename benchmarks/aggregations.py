"""Which form of the prior-corrected aggregation to take: an ablation on validation images.

    python benchmarks/aggregations.py [--seeds 3]

For the data set and recipe of params.yaml, at 5 classes and leakage high and low: of each class's 800 dominant images
700 train the members and the other 100 validate, so that the test set is never looked at. Written to
benchmarks/aggregations-DATASET.csv: accuracy overall and on the restricted class (cat), of all members (before) and
without the member of that class's shard (after), mean over seeds.
"""

import sys
from collections.abc import Callable
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import validation

from sisa.common.params import Params
from sisa.ensemble import AGGREGATIONS, sigmoid

LEVELS = {"high": "all", "low": 1}


def pairwise(logits, counts, adjusted, weighted: bool, temperature: float) -> np.ndarray:
    """ensemble.prior_corrected with its two choices open; equal weights and temperature 1 are DESIGN's form."""
    evidence = logits - (1 - adjusted) * np.log(np.maximum(counts, 1))[:, None, :]
    both = (counts[:, :, None] > 0) & (counts[:, None, :] > 0)
    weight = np.where(both, counts[:, :, None] + counts[:, None, :] if weighted else 1, 0).astype(float)
    total = weight.sum(axis=0)
    difference = np.einsum("mij,mni->nij", weight, evidence) - np.einsum("mij,mnj->nij", weight, evidence)
    return sigmoid(difference / np.where(total > 0, total, 1) / temperature).sum(axis=2)


VARIANTS: dict[str, Callable] = {
    f"pairwise, {'weighted' if weighted else 'equal'}, T={temperature}": partial(
        pairwise, weighted=weighted, temperature=temperature
    )
    for weighted, temperature in product((False, True), (0.25, 0.5, 1.0, 2.0))
} | {name: AGGREGATIONS[name] for name in ("mean_logits", "mean_probabilities", "majority_vote")}


def main() -> None:
    params, seeds = validation.start(__doc__)
    jobs = list(product(range(seeds), LEVELS))
    with tqdm(total=len(jobs) * len(params.shards), desc="members", disable=None) as bar:
        rows = [row for seed, level in jobs for row in compare(params, seed, level, bar)]
    keys = ["leakage", "aggregation"]
    table = pd.DataFrame(rows).groupby(keys, sort=False).mean().drop(columns="seed").round(4).reset_index()
    table.to_csv(f"benchmarks/aggregations-{params.dataset.name}.csv", index=False)
    print(f"{params.dataset.name}, mean of {seeds} training seeds, {validation.VALIDATION} validation images a class")
    print(tabulate(table, headers="keys", showindex=False, floatfmt=".3f"))


def compare(params: Params, seed: int, level: str, bar: tqdm) -> list[dict]:
    """The scores of every variant with members trained by this seed at this level of leakage."""
    _, _, held = validation.parts(params)
    logits, counts = validation.members(params, LEVELS[level], 1, seed, bar.update)
    restricted = params.shards.index(params.leakage.restricted[0])
    actual = np.searchsorted(params.shards, held.classes)
    rest = np.arange(len(logits)) != restricted
    results = []
    for aggregation, score in VARIANTS.items():
        result = {"seed": seed, "leakage": level, "aggregation": aggregation}
        for state, which in (("before", np.full(len(logits), True)), ("after", rest)):
            right = score(logits[which], counts[which], params.train.logit_adjustment).argmax(axis=1) == actual
            result |= {state: right.mean(), f"{state}_restricted": right[actual == restricted].mean()}
        results.append(result)
    return results


if __name__ == "__main__":
    main()
