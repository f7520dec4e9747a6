"""The leakage response: how knowledge, accuracy, attacks and cost follow the number of leaked images."""

from collections.abc import Iterable

import pandas as pd

from sisa.evidence import CHOSEN, NAN, percent
from sisa.scenarios import Scenario

METRICS = ("before", "retrained", "baseline", "cost", "attacks")
AVERAGED = "mean_logits"


def rows(metrics: dict[str, dict]) -> list[dict]:
    """What one scenario says, in a single row; what does not exist is NaN.

    metrics: the content of the files of METRICS in metrics/, and what `branches.metrics` adds to them.

    Held-out shares of the forgotten class before and retrained, by `prior_corrected` and by averaged logits, and the
    share of the others that the retrained ensemble takes for it; the overall shares retrained and that of the
    conventional model; the AUC of LiRA on leaked images of the retrained and of the exactly retrained members, with
    its interval; samples processed at either scope and in full retraining of a conventional model.
    """
    before, retrained = (metrics[state]["held_out"] for state in ("before", "retrained"))
    lira = metrics["attacks"].get("lira", {})
    attacked, exact = (lira.get(state, {}).get("leaked", {}) for state in ("retrained", "reference"))
    said = {
        "leaked": metrics["params"]["leakage"]["leaked"],
        "residual_copies": metrics["retrained"]["residual_copies"],
        "forgotten_before": before[CHOSEN].get("forgotten", NAN),
        "forgotten_retrained": retrained[CHOSEN].get("forgotten", NAN),
        "forgotten_retrained_averaged_logits": retrained[AVERAGED].get("forgotten", NAN),
        "others_taken_for_it": others_taken(metrics["confusion"], metrics["params"]["forget"]["class"]),
        "overall_retrained": retrained[CHOSEN].get("overall", NAN),
        "overall_retrained_averaged_logits": retrained[AVERAGED].get("overall", NAN),
        "overall_baseline_full": metrics["baseline"]["baseline_full"]["held_out"]["overall"],
        "lira_auc": attacked.get("auc", NAN),
        "lira_auc_low": attacked.get("auc_low", NAN),
        "lira_auc_high": attacked.get("auc_high", NAN),
        "lira_auc_reference": exact.get("auc", NAN),
        "lira_auc_reference_low": exact.get("auc_low", NAN),
        "lira_auc_reference_high": exact.get("auc_high", NAN),
        "samples_dominant": metrics["cost"]["scope"]["dominant"]["samples"],
        "samples_all": metrics["cost"]["scope"]["all"]["samples"],
        "samples_full": metrics["cost"]["baseline_retrained"]["samples"],
    }
    return [said]


def others_taken(confusion: list[tuple[str, str]], forgotten: str | None) -> float:
    """The share of images of other classes that are taken for the forgotten one; NaN where nothing was decided."""
    predicted = [name for actual, name in confusion if actual != forgotten]
    decided = [name for name in predicted if name != "undecided"]
    return predicted.count(forgotten) / len(predicted) if decided else NAN


def studies(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows by scenario, `5-high`, of those that were run with at least two numbers of leaked images, by number."""
    found = {}
    for (dataset, classes, leakage, scope), rows in table.groupby(["dataset", "classes", "leakage", "scope"]):
        if rows["leaked"].nunique() > 1:
            name = Scenario(classes, leakage, dataset, scope).name
            found[name] = rows.sort_values(["leaked", "split_seed", "seed"], ignore_index=True)
    return found


def percents(shares: Iterable[float]) -> list[str]:
    return [percent(share) for share in shares]


def areas(table: pd.DataFrame, name: str) -> list[str]:
    """`0.65 (0.60 to 0.70)`, or nothing where it was not attacked."""
    columns = table[[name, f"{name}_low", f"{name}_high"]].to_numpy(dtype=float)
    return ["" if pd.isna(auc) else f"{auc:.2f} ({low:.2f} to {high:.2f})" for auc, low, high in columns]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: shares in percent, the AUC with its interval, cost as a share of full retraining."""
    return pd.DataFrame(
        {
            "leaked": table["leaked"],
            "residual copies": table["residual_copies"],
            "forgotten class, before": percents(table["forgotten_before"]),
            "retrained": percents(table["forgotten_retrained"]),
            "others taken for it": percents(table["others_taken_for_it"]),
            "by averaged logits": percents(table["forgotten_retrained_averaged_logits"]),
            "all classes, retrained": percents(table["overall_retrained"]),
            "all, by averaged logits": percents(table["overall_retrained_averaged_logits"]),
            "LiRA on leaked": areas(table, "lira_auc"),
            "on the exact reference": areas(table, "lira_auc_reference"),
            "exact cost": percents(table["samples_all"] / table["samples_full"]),
        }
    )
