"""What the evaluation and the attacks found, one scenario or many: rows for files, and tables as people read them."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from sisa import notebooks
from sisa.results import SEEDS, STATES, interval

CHOSEN = "prior_corrected"
NAN = float("nan")
UTILITY = ("macro_recall", "calibration_error")
TARGETS = (*STATES[:3], "reference", *STATES[3:])
REFERENCES = ("baseline_retrained", "reference")
GAPS = ("average_gap", "tow", "js_distance_forgotten", "js_distance_held_out")


@dataclass(frozen=True)
class Evidence:
    """metrics: the files metrics/*.json that `rows` takes; `readable` makes what people read of the rows."""

    metrics: tuple[str, ...]
    rows: Callable[[dict[str, dict]], list[dict]]
    readable: Callable[[pd.DataFrame], pd.DataFrame]


def utility_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a state and aggregation: macro recall and calibration error on held-out images."""
    return [
        {"state": state, "aggregation": name}
        | {key: scores.get(key, NAN) for key in ("macro_recall", "calibration_error")}
        for state, by_aggregation in [
            *((state, metrics[state]["held_out"]) for state in STATES[:3]),
            *((name, {"": each["held_out"]}) for name, each in metrics["baseline"].items()),
        ]
        for name, scores in by_aggregation.items()
    ]


def utility_readable(table: pd.DataFrame) -> pd.DataFrame:
    """One column an aggregation: macro recall in percent, and the calibration error; `-` where nothing was decided."""
    table = over_seeds(table, ["classes", "leakage", "scope", "state", "aggregation"])
    names = [name for name in dict.fromkeys(table["aggregation"]) if name]
    found: dict = {}
    for each in table.itertuples():
        text = "-" if pd.isna(each.macro_recall) else f"{percent(each.macro_recall)}, {each.calibration_error:.2f}"
        row = found.setdefault((each.classes, each.leakage, each.state), {})
        row |= dict.fromkeys([each.aggregation] if each.aggregation else names, text)
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(["classes", "leakage", "state"]).reset_index()


def forgetting_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a state and reference: UA, RA and TA by `prior_corrected`, and how far the state is from it."""
    table = []
    for state in STATES[:3]:
        ours = metrics["forgetting"][state][CHOSEN]
        far = {
            REFERENCES[0]: ours.get(f"against_{REFERENCES[0]}", {}),
            REFERENCES[1]: metrics["reference"][state][CHOSEN],
        }
        shares = {name: ours.get(name, NAN) for name in ("UA", "RA", "TA")}
        table += [
            {"state": state, "reference": name} | shares | {gap: gaps.get(gap, NAN) for gap in GAPS}
            for name, gaps in far.items()
        ]
    return table


def forgetting_readable(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, and the reference beside; what was not decided is left out."""
    table = over_seeds(table, ["classes", "leakage", "scope", "state", "reference"])
    table = table[table["RA"].notna()]
    text = table[["classes", "leakage", "state"]].copy()
    for name in ("UA", "RA", "TA"):
        text[name] = [percent(share) for share in table[name]]
    text["against"] = table["reference"]
    names = ("average gap", "ToW", "JS distance, forgotten", "JS distance, held out")
    for name, gap in zip(names, GAPS, strict=True):
        text[name] = [number(value) for value in table[gap]]
    return text


def over_seeds(table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The mean over the runs that only their seeds tell apart."""
    return table.drop(columns=list(SEEDS)).groupby(keys, sort=False, dropna=False).mean(numeric_only=True).reset_index()


def attack_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row an attack, target and origin of the images attacked."""
    return [
        {"attack": attack, "target": target, "origin": origin, "tpr_at_1_percent": NAN} | success
        for attack in ("population", "lira")
        for target, origins in metrics["attacks"].get(attack, {}).items()
        for origin, success in origins.items()
    ]


def attack_readable(table: pd.DataFrame) -> pd.DataFrame:
    """One column a target: the AUC with its interval, and of LiRA the share found at 1 % accused."""
    keys = ["classes", "leakage", "scope", "attack", "origin"]
    found = {}
    for (*key, target), runs in table.groupby([*keys, "target"], sort=False):
        found.setdefault(tuple(key), {})[target] = success(runs)
    wide = pd.DataFrame.from_dict(found, orient="index").rename_axis(keys).fillna("").reset_index()
    wide["attack"] = wide["attack"].replace("lira", "LiRA")
    return wide[["classes", "leakage", "attack", "origin", *(name for name in TARGETS if name in wide)]]


def success(runs: pd.DataFrame) -> str:
    """`0.65 (0.60 to 0.70), 7%`: of one run the interval over images, of several that over seeds."""
    auc, half_width = interval(runs["auc"])
    low, high = (auc - half_width, auc + half_width) if len(runs) > 1 else runs[["auc_low", "auc_high"]].iloc[0]
    rate = runs["tpr_at_1_percent"].mean()
    return f"{auc:.2f} ({low:.2f} to {high:.2f})" + ("" if pd.isna(rate) else f", {rate:.0%}")


def relearning_rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a member: the share named at first, and the samples until regained, served and of the reference."""
    return [
        {"member": member}
        | {
            f"{start}_{what}": starts.get(start, {}).get(what, NAN)
            for start in ("served", "reference")
            for what in ("named", "samples")
        }
        for member, starts in metrics["relearning"].items()
        if member != "goal"
    ]


def relearning_readable(table: pd.DataFrame) -> pd.DataFrame:
    table = over_seeds(table, ["classes", "leakage", "scope", "member"])
    text = table[["classes", "leakage", "member"]].copy()
    for start, name in {"served": "served", "reference": "never saw it"}.items():
        text[f"{name}: names at first"] = [percent(share) for share in table[f"{start}_named"]]
        text[f"{name}: samples to regain"] = [number(count, 0) or "never" for count in table[f"{start}_samples"]]
    return text


def percent(share: float) -> str:
    return "" if pd.isna(share) else f"{share:.1%}".rstrip("%")


def number(value: float, digits: int = 2) -> str:
    return "" if pd.isna(value) else f"{value:,.{digits}f}"


KINDS = {
    "utility": Evidence((*STATES[:3], "baseline"), utility_rows, utility_readable),
    "forgetting": Evidence(("forgetting", "reference"), forgetting_rows, forgetting_readable),
    "attacks": Evidence(("attacks",), attack_rows, attack_readable),
    "relearning": Evidence(("relearning",), relearning_rows, relearning_readable),
    "notebooks": Evidence(STATES[:3], notebooks.rows, notebooks.readable),
}
