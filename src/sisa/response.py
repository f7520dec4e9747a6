"""The leakage response: how knowledge, accuracy, attacks and cost follow the number of leaked images."""

import pandas as pd

from sisa.evidence import CHOSEN, NAN
from sisa.results import interval, percent, runs, without_single_runs
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


def area(group: pd.DataFrame, name: str) -> str:
    """`0.65 (0.60 to 0.70)` with the interval over images, of several runs over these; nothing where not attacked."""
    auc, low, high = (float(values.iloc[0]) for values in area_intervals(group, name))
    return "" if pd.isna(auc) else f"{auc:.2f} ({low:.2f} to {high:.2f})"


def area_intervals(table: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series, pd.Series]:
    """By number of leaked images: the AUC, and the ends of its interval over images or, of several runs, over these.

    Only runs that were attacked count.
    """
    attacked = table[table[name].notna()]
    if attacked.empty:
        attacked = table
    mean, half_width = intervals(attacked, name)
    groups = attacked.groupby("leaked")
    low, high = groups[f"{name}_low"].mean(), groups[f"{name}_high"].mean()
    found = mean, (mean - half_width).fillna(low), (mean + half_width).fillna(high)
    return tuple(values.reindex(sorted(table["leaked"].unique())) for values in found)


def intervals(table: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """By number of leaked images: the mean of a column, and the half-width of its interval over the runs."""
    by_leaked = pd.DataFrame.from_dict({leaked: interval(group[name]) for leaked, group in table.groupby("leaked")})
    return by_leaked.iloc[0], by_leaked.iloc[1]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: shares in percent, the AUC with its interval, cost as a share of full retraining."""
    return without_single_runs(pd.DataFrame([row(group) for _, group in table.groupby("leaked")]))


def row(group: pd.DataFrame) -> dict[str, str]:
    """One number of leaked images, over its runs."""
    return {
        "leaked": str(group["leaked"].iloc[0]),
        "n": runs(group),
        "residual copies": str(group["residual_copies"].iloc[0]),
        "forgotten class, before": percent(group["forgotten_before"]),
        "retrained": percent(group["forgotten_retrained"]),
        "others taken for it": percent(group["others_taken_for_it"]),
        "by averaged logits": percent(group["forgotten_retrained_averaged_logits"]),
        "all classes, retrained": percent(group["overall_retrained"]),
        "all, by averaged logits": percent(group["overall_retrained_averaged_logits"]),
        "LiRA on leaked": area(group, "lira_auc"),
        "on the exact reference": area(group, "lira_auc_reference"),
        "exact cost": percent(group["samples_all"] / group["samples_full"]),
    }
