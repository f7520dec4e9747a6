"""Result tables: the held-out accuracies of one scenario or many, in rows and as people read them."""

from collections.abc import Callable

import pandas as pd

from sisa.scenarios.grid import SEEDS, Scenario

METRICS = ("before", "after", "retrained", "baseline")
STATES = ("before", "after", "retrained", "baseline_full", "baseline_retrained")
SHARES = ("overall", "forgotten", "retained")


def rows(metrics: dict[str, dict]) -> list[dict]:
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
    return table


def shares(scores: dict) -> dict[str, float | None]:
    return {name: scores.get(name) for name in SHARES}


def pivot(table: pd.DataFrame) -> pd.DataFrame:
    """One row a state (and whatever else `table` is keyed by), one column an aggregation: `97.8 (96.7)`.

    Over several seeds it is `97.8 ± 0.3 (96.7 ± 1.1)`: means and standard deviations. A column `n` then says how many
    runs and what varied between them.
    """
    fixed = {"scope"} if "scope" in table and set(table["scope"]) == {Scenario.scope} else set()
    keys = [name for name in table.columns if name not in {"aggregation", *SHARES, *SEEDS, *fixed}]
    order = [name for name in dict.fromkeys(table["aggregation"]) if name]
    wide = {}
    for key, group in table.groupby(keys, sort=False, dropna=False):
        by = {name: pair(part["overall"], part["forgotten"]) for name, part in group.groupby("aggregation")}
        wide[key] = {"n": runs(group)} | {name: by.get(name, by.get("", "")) for name in order}
    return without_single_runs(pd.DataFrame.from_dict(wide, orient="index").rename_axis(keys).reset_index())


def runs(group: pd.DataFrame) -> str:
    """How many runs one row stands for, and what varied between them: `3 (seed)`.

    `5 (star)`: each differs from the first in one of the seeds and none in both, so that they are not independent.
    """
    varied = [name for name in SEEDS if name in group and group[name].nunique() > 1]
    if not varied:
        return "1"
    different = group[varied].drop_duplicates()
    star = len(varied) == 2 and (different == different.iloc[0]).any(axis=1).all()
    return f"{len(different)} ({'star' if star else ', '.join(varied)})"


def without_single_runs(text: pd.DataFrame) -> pd.DataFrame:
    """The table without its column `n`, if it has one, where every row stands for one run."""
    return text if "n" not in text or any(text["n"] != "1") else text.drop(columns="n")


def pair(overall: pd.Series, forgotten: pd.Series) -> str:
    """Two shares in percent, the second in parentheses where it exists; `-` where nothing was decided."""
    if overall.isna().any():
        return "-"
    return percent(overall) + ("" if forgotten.isna().any() else f" ({percent(forgotten)})")


def percent(shares: pd.Series) -> str:
    return spread(shares, lambda share: f"{share:.1%}".rstrip("%"))


def spread(values: pd.Series, text: Callable[[float], str]) -> str:
    """`97.8 ± 0.3`: the mean, of several runs with their standard deviation; empty where a run has none.

    The deviation says how far apart the runs lie. It is no interval: they may share their images.
    """
    mean, deviation = values.mean(skipna=False), values.std()
    if pd.isna(mean):
        return ""
    return text(mean) + ("" if pd.isna(deviation) else f" ± {text(deviation)}")
