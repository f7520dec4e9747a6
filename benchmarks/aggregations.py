"""Which form of the prior-corrected aggregation to take, above all where few copies leaked: on validation images.

    python benchmarks/aggregations.py [--seeds 3]

For the data set and recipe of params.yaml, at leakage high and low, with 5 to 200 leaked images: of each class's 800
dominant images 700 train the members and the other 100 validate, so that the test set is never looked at. Written to
benchmarks/aggregations-DATASET.csv, and as a picture beside it: accuracy, recall of the restricted class (cat), and the
share of others taken for it, of all members (before) and without the member of that class's shard (after); mean over
seeds. `prior_corrected` is the rule of this repository; each other pairwise rule differs from it in what its name says:

- as before: log-priors are subtracted from logits, with the labels' smoothing left in and no prior shrunk (aab1e7f)
- smoothing left in; priors not shrunk: one of these two
- shrunk by 5, 10, 50, 100: priors, by so many images more of each class in place of 20
- shrunk evidence: a pair's difference counts n / (n + 20), n being the images of its rarer class
- rarer weights: members weigh by the images of the rarer class (at level high that is the same for all members)
- equal weights: members weigh the same
- abstains: a member does not compare classes of which it saw fewer than 20 images
- T = 1: the temperature
"""

import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.special import expit
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import validation

from sisa.base.params import Params
from sisa.evaluation.aggregation import (
    AGGREGATIONS,
    MORE,
    TEMPERATURE,
    UNDECIDED,
    Loss,
    log_ratios,
    log_share,
    loss_of,
)

LEVELS = {"high": "all", "low": 1}
LEAKED = (5, 10, 25, 50, 100, 200)
Rule = Callable[[np.ndarray, np.ndarray, Loss], np.ndarray]


def differences(values: np.ndarray) -> np.ndarray:
    """Of every two classes [..., K, K], of values [..., K]."""
    return values[..., :, None] - values[..., None, :]


def together(counts):
    return counts[:, :, None] + counts[:, None, :]


def rarer(counts):
    return np.minimum(counts[:, :, None], counts[:, None, :])


def pairwise(evidence_of, weight_of=together, temperature=TEMPERATURE):
    """A rule like prior_corrected, of evidence differences [M, n, K, K] and weights [M, K, K] of its own."""

    def scores(logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray:
        both = (counts[:, :, None] > 0) & (counts[:, None, :] > 0)
        weight = np.where(both, weight_of(counts), 0).astype(float)
        total = weight.sum(axis=0)
        found = np.einsum("mij,mnij->nij", weight, evidence_of(logits, counts, loss))
        return expit(found / np.where(total > 0, total, 1) / temperature).sum(axis=2)

    return scores


def ours(logits, counts, loss, more=MORE):
    return differences(log_ratios(logits, counts, loss, more))


def smoothing_left_in(logits, counts, loss, more=MORE):
    posterior = logits + loss.adjustment * log_share(counts, 0)
    return differences(posterior - log_share(counts, more))


RULES: dict[str, Rule] = {
    "prior_corrected": AGGREGATIONS["prior_corrected"],
    "as before": pairwise(partial(smoothing_left_in, more=0)),
    "smoothing left in": pairwise(smoothing_left_in),
    "priors not shrunk": pairwise(partial(ours, more=0)),
    **{f"shrunk by {more}": pairwise(partial(ours, more=more)) for more in (5, 10, 50, 100)},
    "shrunk evidence": pairwise(lambda z, n, loss: ours(z, n, loss) * (rarer(n) / (rarer(n) + MORE))[:, None]),
    "rarer weights": pairwise(ours, rarer),
    "equal weights": pairwise(ours, lambda counts: np.ones_like(rarer(counts))),
    "abstains": pairwise(ours, lambda counts: np.where(rarer(counts) < MORE, 0, together(counts))),
    "T = 1": pairwise(ours, temperature=1.0),
} | {name: AGGREGATIONS[name] for name in ("mean_logits", "mean_probabilities", "majority_vote")}


def main() -> None:
    params, seeds = validation.start(__doc__)
    jobs = list(product(range(seeds), LEVELS, LEAKED))
    with tqdm(total=len(jobs) * len(params.shards), desc="members", disable=None) as bar:
        rows = [row for seed, level, leaked in jobs for row in compare(params, seed, level, leaked, bar)]
    keys = ["leakage", "leaked", "rule"]
    table = pd.DataFrame(rows).groupby(keys, sort=False).mean().drop(columns="seed").round(3).reset_index()
    file = Path(f"benchmarks/aggregations-{params.dataset.name}.csv")
    table.to_csv(file, index=False)
    draw(table).savefig(file.with_suffix(".png"), dpi=110, metadata={"Software": None})
    print(f"{params.dataset.name}, mean of {seeds} training seeds, {validation.VALIDATION} validation images a class")
    print(tabulate(table, headers="keys", showindex=False, floatfmt=".3f"))


def compare(params: Params, seed: int, level: str, leaked: int, bar: tqdm) -> list[dict]:
    """The scores of every rule with members trained by this seed at this level and number of leaked images."""
    params = params.model_copy(update={"leakage": params.leakage.model_copy(update={"leaked": leaked})})
    _, _, held = validation.parts(params)
    logits, counts = validation.members(params, LEVELS[level], params.slices, seed, bar.update)
    cat = params.class_names.index(params.leakage.restricted[0])
    actual = np.searchsorted(params.class_names, held.classes)
    states = {"before": np.full(len(logits), True), "after": np.arange(len(logits)) != cat}
    results = []
    for name, rule in RULES.items():
        result = {"seed": seed, "leakage": level, "leaked": leaked, "rule": name}
        for state, which in states.items():
            scores = rule(logits[which], counts[which], loss_of(params.train))
            named = np.where(np.ptp(scores, axis=1) > 0, scores.argmax(axis=1), UNDECIDED)
            result |= {
                state: (named == actual).mean(),
                f"{state}_recall": (named[actual == cat] == cat).mean(),
                f"{state}_taken": (named[actual != cat] == cat).mean(),
            }
        results.append(result)
    return results


def draw(table: pd.DataFrame) -> Figure:
    """After the shard of the class is dropped: recall and others taken by leaked images, as before and now."""
    figure = Figure(figsize=(10, 4), layout="constrained")
    shown = {"as before": "#c98a1b", "prior_corrected": "#c2453a", "mean_logits": "#1f6f9c"}
    for axes, (level, rows) in zip(figure.subplots(1, 2, sharey=True), table.groupby("leakage"), strict=True):
        for name, colour in shown.items():
            points = rows[rows["rule"] == name]
            axes.plot(range(len(points)), points["after_recall"] * 100, "o-", color=colour, label=name)
            label = f"{name}, others taken"
            axes.plot(range(len(points)), points["after_taken"] * 100, "x:", color=colour, label=label)
        axes.set_xticks(range(len(LEAKED)), LEAKED)
        axes.set(title=f"leakage {level}", xlabel="leaked images of each other class in a shard")
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("validation images named cat, %")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


if __name__ == "__main__":
    main()
