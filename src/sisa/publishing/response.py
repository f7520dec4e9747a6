"""The leakage response: how knowledge, accuracy, attacks and cost follow the number of leaked images."""

import pandas as pd

from sisa.publishing.results import percent, runs, without_single_runs
from sisa.publishing.tables import CHOSEN, NAN, mean, number
from sisa.scenarios.grid import Scenario

METRICS = ("before", "retrained", "baseline", "cost", "attacks")
AVERAGED = "mean_logits"
POPULATION = ("before", "retrained", "baseline_retrained")


def rows(metrics: dict[str, dict]) -> list[dict]:
    """What one scenario says, in a single row; what does not exist is NaN.

    metrics: the content of the files of METRICS in metrics/, and what `branches.metrics` adds to them.

    Held-out, of the forgotten class: recall before, and recall, the share of others taken for it and AUROC retrained,
    by `prior_corrected` and by averaged logits; the overall shares retrained and that of the conventional model; the
    AUC of the population attack on the leaked images, before, retrained and, as a control, on the conventional model
    that never saw them; samples processed at either scope and in full retraining of a conventional model.
    """
    before, retrained = (metrics[state]["held_out"] for state in ("before", "retrained"))
    population = metrics["attacks"].get("population", {})
    said = {
        "leaked": metrics["params"]["leakage"]["leaked"],
        "residual_copies": metrics["retrained"]["residual_copies"],
        "forgotten_before": before[CHOSEN].get("forgotten", NAN),
    }
    for aggregation, suffix in {CHOSEN: "", AVERAGED: "_averaged_logits"}.items():
        scores = retrained[aggregation]
        said |= {
            f"forgotten_retrained{suffix}": scores.get("forgotten", NAN),
            f"others_taken{suffix}": scores.get("others_taken", NAN),
            f"forgotten_auroc{suffix}": scores.get("forgotten_auroc", NAN),
            f"overall_retrained{suffix}": scores.get("overall", NAN),
        }
    baselines = {name: scores["held_out"] for name, scores in metrics["baseline"].items()}
    said["forgotten_auroc_baseline_retrained"] = baselines.get("baseline_retrained", {}).get("forgotten_auroc", NAN)
    said["overall_baseline_full"] = baselines["baseline_full"]["overall"]
    for target in POPULATION:
        said[f"population_{target}"] = population.get(target, {}).get("leaked", {}).get("auc", NAN)
    said |= {
        "samples_dominant": metrics["cost"]["scope"]["dominant"]["samples"],
        "samples_all": metrics["cost"]["scope"]["all"]["samples"],
        "samples_full": metrics["cost"]["baseline_retrained"]["samples"],
    }
    return [said]


def studies(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows by scenario, `5-high`, of those that were run with at least two numbers of leaked images, by number."""
    found = {}
    for (dataset, classes, leakage, scope), rows in table.groupby(["dataset", "classes", "leakage", "scope"]):
        if rows["leaked"].nunique() > 1:
            name = Scenario(classes, leakage, dataset, scope).name
            found[name] = rows.sort_values(["leaked", "split_seed", "seed"], ignore_index=True)
    return found


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: shares in percent, AUROC and AUC, cost as a share of full retraining."""
    return without_single_runs(pd.DataFrame([row(group) for _, group in table.groupby("leaked")]))


def row(group: pd.DataFrame) -> dict[str, str]:
    """One number of leaked images, over its runs."""
    said = {
        "leaked": str(group["leaked"].iloc[0]),
        "n": runs(group),
        "residual copies": str(group["residual_copies"].iloc[0]),
        "recall before": percent(group["forgotten_before"]),
    }
    for suffix, by in {"": "", "_averaged_logits": ", averaged logits"}.items():
        said |= {
            f"recall{by}": percent(group[f"forgotten_retrained{suffix}"]),
            f"others taken{by}": percent(group[f"others_taken{suffix}"]),
            f"AUROC{by}": mean(group[f"forgotten_auroc{suffix}"], 3),
            f"all classes{by}": percent(group[f"overall_retrained{suffix}"]),
        }
    attack = {"before": "attack before", "retrained": "attack retrained", "baseline_retrained": "attack, control"}
    said |= {name: number(group[f"population_{target}"]) for target, name in attack.items()}
    return said | {"exact cost": percent(group["samples_all"] / group["samples_full"])}
