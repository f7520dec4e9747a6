"""Result tables: the held-out accuracies of one scenario or many, in rows and as people read them."""

import pandas as pd

METRICS = ("before", "after", "retrained", "baseline")
STATES = ("before", "after", "retrained", "baseline_full", "baseline_retrained")
SHARES = ("overall", "forgotten", "retained")


def rows(metrics: dict[str, dict]) -> pd.DataFrame:
    """One row a state and aggregation: members, and the held-out shares right overall, forgotten and retained.

    metrics: the content of the files metrics/before.json, after.json, retrained.json and baseline.json. A baseline has
    no aggregation and a single model. A share that does not exist is NaN.
    """
    table = [
        {"state": state, "aggregation": aggregation, "members": metrics[state]["members"], **shares(scores)}
        for state in STATES[:3]
        for aggregation, scores in metrics[state]["held_out"].items()
    ]
    table += [
        {"state": state, "aggregation": "", "members": 1, **shares(scores["held_out"])}
        for state, scores in metrics["baseline"].items()
    ]
    return pd.DataFrame(table)


def shares(scores: dict) -> dict[str, float | None]:
    return {name: scores.get(name) for name in SHARES}


def pivot(table: pd.DataFrame) -> pd.DataFrame:
    """One row a state (and whatever else `table` is keyed by), one column an aggregation: `97.8 (96.7)`."""
    keys = [name for name in table.columns if name not in ("aggregation", *SHARES)]
    text = table.assign(text=[pair(row.overall, row.forgotten) for row in table.itertuples()])
    order = [name for name in dict.fromkeys(table["aggregation"]) if name]
    wide = {}
    for key, group in text.groupby(keys, sort=False, dropna=False):
        by = dict(zip(group["aggregation"], group["text"], strict=True))
        wide[key] = {name: by.get(name, by.get("", "")) for name in order}
    return pd.DataFrame.from_dict(wide, orient="index").rename_axis(keys).reset_index()


def pair(overall: float | None, forgotten: float | None) -> str:
    """Two shares in percent, the second in parentheses where it exists; `-` where nothing was decided."""
    if pd.isna(overall):
        return "-"
    return f"{overall:.1%}".rstrip("%") + ("" if pd.isna(forgotten) else f" ({forgotten:.1%})".replace("%", ""))
