"""The leakage response: how knowledge, accuracy, attacks and cost follow the number of leaked images."""

from collections.abc import Iterable

import pandas as pd

from sisa.scenarios import Scenario

METRICS = ("before", "retrained", "baseline", "cost", "attacks")
NAN = float("nan")
CHOSEN, AVERAGED = "prior_corrected", "mean_logits"


def rows(metrics: dict[str, dict]) -> list[dict]:
    """What one scenario says, in a single row; what does not exist is NaN.

    metrics: the content of the files of METRICS in metrics/, and of params.yaml as `params`.

    Held-out shares of the forgotten class before and retrained, by `prior_corrected` and by averaged logits; the
    overall share retrained and that of the conventional model; the AUC of LiRA on leaked images of the retrained
    members with its interval, and of the exactly retrained ones; samples processed at either scope and in full
    retraining of a conventional model.
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
        "overall_retrained": retrained[CHOSEN].get("overall", NAN),
        "overall_baseline_full": metrics["baseline"]["baseline_full"]["held_out"]["overall"],
        "lira_auc": attacked.get("auc", NAN),
        "lira_auc_low": attacked.get("auc_low", NAN),
        "lira_auc_high": attacked.get("auc_high", NAN),
        "lira_auc_reference": exact.get("auc", NAN),
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


def percents(shares: Iterable[float | None]) -> list[str]:
    return ["" if pd.isna(share) else f"{share:.1%}".rstrip("%") for share in shares]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """The table as people read it: shares in percent, the AUC with its interval, cost as a share of full retraining."""
    auc = [
        "" if pd.isna(each.lira_auc) else f"{each.lira_auc:.2f} ({each.lira_auc_low:.2f} to {each.lira_auc_high:.2f})"
        for each in table.itertuples()
    ]
    reference = ["" if pd.isna(auc) else f"{auc:.2f}" for auc in table["lira_auc_reference"]]
    return pd.DataFrame(
        {
            "leaked": table["leaked"],
            "residual copies": table["residual_copies"],
            "forgotten class, before": percents(table["forgotten_before"]),
            "retrained": percents(table["forgotten_retrained"]),
            "by averaged logits": percents(table["forgotten_retrained_averaged_logits"]),
            "all classes, retrained": percents(table["overall_retrained"]),
            "LiRA on leaked": auc,
            "on the exact reference": reference,
            "exact cost": percents(table["samples_all"] / table["samples_full"]),
        }
    )
