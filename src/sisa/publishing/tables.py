"""What the evaluation and the attacks found, one scenario or many: rows for files, and tables as people read them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from sisa.publishing import notebooks
from sisa.publishing.results import STATES, percent, runs, spread, without_single_runs

CHOSEN = "prior_corrected"
NAN = float("nan")
UTILITY = ("macro_recall", "calibration_error")
RECOGNITION = ("forgotten", "others_taken", "forgotten_auroc")
TARGETS = (*STATES[:3], "retrained_exact", *STATES[3:])
ATTACKS = {"population": "population", "lira": "LiRA"}
REFERENCES = ("baseline_retrained", "retrained_exact")
GAPS = ("average_gap", "tow", "js_distance_forgotten", "js_distance_held_out")


@dataclass(frozen=True)
class Evidence:
    """metrics: the files metrics/*.json that `rows` takes; `readable` makes what people read of the rows, if any."""

    metrics: tuple[str, ...]
    rows: Callable[[dict[str, dict]], list[dict]]
    readable: Callable[[pd.DataFrame], pd.DataFrame] | None


def utility_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a state and aggregation: macro recall and calibration error on held-out images."""
    return held_out_rows(metrics, UTILITY)


def recognition_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a state and aggregation, of held-out images: recall of the forgotten class, the share of the others taken
    for it, and its AUROC against them (metrics.recognition).
    """
    return held_out_rows(metrics, RECOGNITION)


def held_out_rows(metrics: dict[str, dict], names: tuple[str, ...]) -> list[dict]:
    """One row a state and aggregation, a baseline having none: these scores on held-out images, NaN where absent."""
    return [
        {"state": state, "aggregation": aggregation} | {name: scores.get(name, NAN) for name in names}
        for state, by_aggregation in [
            *((state, metrics[state]["held_out"]) for state in STATES[:3]),
            *((name, {"": each["held_out"]}) for name, each in metrics["baseline"].items()),
        ]
        for aggregation, scores in by_aggregation.items()
    ]


def utility_readable(table: pd.DataFrame) -> pd.DataFrame:
    """One column an aggregation: macro recall in percent, and the calibration error; `-` where nothing was decided."""
    return by_aggregation(table, lambda group: [percent(group["macro_recall"]), number(group["calibration_error"])])


def recognition_readable(table: pd.DataFrame) -> pd.DataFrame:
    """One column an aggregation: recall and others taken in percent, and the AUROC; `-` where there is none."""
    return by_aggregation(
        table,
        lambda group: [
            mean(group["forgotten"] * 100, 1),
            mean(group["others_taken"] * 100, 1),
            mean(group["forgotten_auroc"], 3),
        ],
    )


def by_aggregation(table: pd.DataFrame, cell: Callable[[pd.DataFrame], list[str]]) -> pd.DataFrame:
    """One row a state, one column an aggregation, a baseline the same in all: the parts of a cell, or `-` for none."""
    names = [name for name in dict.fromkeys(table["aggregation"]) if name]
    found: dict = {}
    for (*key, aggregation), group in grouped(table, "state", "aggregation"):
        text = ", ".join(filter(None, cell(group))) or "-"
        row = found.setdefault(tuple(key), {"n": runs(group)})
        row |= dict.fromkeys([aggregation] if aggregation else names, text)
    return in_columns(found, "state")


def forgetting_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a state and reference: UA, RA and TA by `prior_corrected`, and how far the state is from it."""
    table = []
    for state in STATES[:3]:
        ours = metrics["forgetting"][state][CHOSEN]
        far = {
            REFERENCES[0]: ours.get(f"against_{REFERENCES[0]}", {}),
            REFERENCES[1]: metrics["retrained_exact"][state][CHOSEN],
        }
        shares = {name: ours.get(name, NAN) for name in ("UA", "RA", "TA")}
        table += [
            {"state": state, "reference": name} | shares | {gap: gaps.get(gap, NAN) for gap in GAPS}
            for name, gaps in far.items()
        ]
    return table


def forgetting_readable(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, and the reference beside; what was not decided is left out."""
    names = dict(zip(("average gap", "ToW", "JS distance, forgotten", "JS distance, held out"), GAPS, strict=True))
    found = {}
    for key, group in grouped(table[table["RA"].notna()], "state", "reference"):
        shares = {name: percent(group[name]) for name in ("UA", "RA", "TA")}
        gaps = {name: number(group[gap]) for name, gap in names.items()}
        found[key] = {"n": runs(group)} | shares | gaps
    return in_columns(found, "state", "against")


def grouped(table: pd.DataFrame, *keys: str) -> Iterator[tuple[tuple, pd.DataFrame]]:
    """The runs of each row that people read, which only their seeds tell apart."""
    yield from table.groupby(["classes", "leakage", "scope", *keys], sort=False, dropna=False)


def in_columns(found: dict[tuple, dict], *keys: str) -> pd.DataFrame:
    """One row a key, as `grouped` has them; the scope is that of the study, and the same in all."""
    keys = ("classes", "leakage", "scope", *keys)
    text = pd.DataFrame(found.values(), index=pd.MultiIndex.from_tuples(found, names=keys)) if found else None
    return pd.DataFrame() if text is None else without_single_runs(text.reset_index().drop(columns="scope"))


def population_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a target and origin of the images that the population attack was made on."""
    return attack_rows(metrics, "population", ("auc", "images", "held_out", "balanced_accuracy"))


def lira_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a target and origin of the images that LiRA was made on."""
    return attack_rows(metrics, "lira", ("auc", "balanced_accuracy", "tpr_at_1_percent"))


def attack_rows(metrics: dict[str, dict], attack: str, names: tuple[str, ...]) -> list[dict]:
    return [
        {"target": target, "origin": origin} | {name: success[name] for name in names}
        for target, origins in metrics["attacks"].get(attack, {}).items()
        for origin, success in origins.items()
    ]


def lira_readable(table: pd.DataFrame) -> pd.DataFrame:
    """One column a target: the AUC of each training seed of split_seed 0, in their order."""
    found: dict = {}
    one_split = table[table["split_seed"] == 0]
    for (*key, target), group in grouped(one_split, "origin", "target"):
        row = found.setdefault(tuple(key), {"n": runs(group)})
        row[target] = " ".join(f"{auc:.2f}" for auc in group.sort_values("seed")["auc"])
    return by_target(in_columns(found, "origin"))


def areas_readable(table: pd.DataFrame) -> pd.DataFrame:
    """One column a target: the AUC with its interval."""
    found: dict = {}
    for row in table.itertuples():
        line = found.setdefault(attacked(row), {"runs": row.runs, "images": row.images, "held out": row.held_out})
        line[row.target] = f"{row.auc:.2f} ({row.low:.2f} to {row.high:.2f})"
    return by_target(in_columns(found, "attack", "origin"))


def by_target(text: pd.DataFrame) -> pd.DataFrame:
    """The columns of targets last, in their order, and empty where one was not attacked."""
    return text.fillna("")[[name for name in text if name not in TARGETS] + [name for name in TARGETS if name in text]]


def changes_readable(table: pd.DataFrame) -> pd.DataFrame:
    """One row a later state: the differences to the state before in each run, and their mean with its interval."""
    found = {
        (*attacked(row), row.target): {
            "each run": " ".join(f"{float(value):+.2f}" for value in row.each.split()),
            "later - before": f"{row.change:+.3f} ({row.low:+.3f} to {row.high:+.3f})",
        }
        for row in table.itertuples()
    }
    return in_columns(found, "attack", "origin", "later state")


def attacked(row) -> tuple:
    return row.classes, row.leakage, row.scope, ATTACKS[row.attack], row.origin


def relearning_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a member: the share named at first, and the samples until regained, served and of the exactly retrained."""
    return [
        {"member": member}
        | {
            f"{start}_{what}": starts.get(start, {}).get(what, NAN)
            for start in ("served", "retrained_exact")
            for what in ("named", "samples")
        }
        for member, starts in metrics["relearning"].items()
        if member != "goal"
    ]


def relearning_readable(table: pd.DataFrame) -> pd.DataFrame:
    """The share named at first in percent, and samples until regained; in how many of the runs, where not in all."""
    found = {}
    for key, group in grouped(table, "member"):
        found[key] = {"n": runs(group)}
        for start, name in {"served": "served", "retrained_exact": "never saw it"}.items():
            found[key][f"{name}: names at first"] = percent(group[f"{start}_named"])
            found[key][f"{name}: samples to regain"] = regained(group[f"{start}_samples"])
    return in_columns(found, "member")


def regained(samples: pd.Series) -> str:
    """Samples until regained, of the runs that did; `never`, where none did."""
    times = samples.dropna()
    if times.empty:
        return "never"
    return number(times, 0) + ("" if len(times) == len(samples) else f", in {len(times)} of {len(samples)}")


def number(values: pd.Series, digits: int = 2) -> str:
    return spread(values, lambda value: f"{value:,.{digits}f}")


def mean(values: pd.Series, digits: int) -> str:
    """The mean over the runs; empty where a run has none."""
    return "" if values.isna().any() else f"{values.mean():.{digits}f}"


KINDS = {
    "recognition": Evidence((*STATES[:3], "baseline"), recognition_rows, recognition_readable),
    "utility": Evidence((*STATES[:3], "baseline"), utility_rows, utility_readable),
    "forgetting": Evidence(("forgetting", "retrained_exact"), forgetting_rows, forgetting_readable),
    "population": Evidence(("attacks",), population_rows, None),
    "lira": Evidence(("attacks",), lira_rows, lira_readable),
    "relearning": Evidence(("relearning",), relearning_rows, relearning_readable),
    "notebooks": Evidence(STATES[:3], notebooks.rows, notebooks.readable),
}
