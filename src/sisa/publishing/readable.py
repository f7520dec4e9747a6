"""The files in results/ as people read them: one line for several runs, shares in percent, intervals in words."""

from collections.abc import Callable

import pandas as pd

from sisa.evaluation.intervals import half_width
from sisa.publishing.metrics_table import BASELINE_FULL, BASELINE_RETRAINED, GAPS, UNLEARNING, pick
from sisa.publishing.tables import CHOSEN, COMPARED, MEASURED_ON, SCENARIO
from sisa.scenarios.grid import Scenario
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED, RETRAINED_EXACT, STATES

TARGETS = (*STATES, RETRAINED_EXACT, BASELINE_FULL, BASELINE_RETRAINED)
ATTACKS = {"attack": {"lira": "LiRA", "lira_difference": "LiRA, difference"}}
# Of the notebooks' own output: overall and forgotten class, in percent, on the shards' training images.
PUBLISHED = {
    (3, "high", BEFORE): (72.30, 76.22), (3, "high", RETRAINED): (63.48, 18.44),
    (3, "low", BEFORE): (67.77, 48.71), (3, "low", AFTER): (60.04, 11.41), (3, "low", RETRAINED): (57.85, 3.76),
    (5, "high", BEFORE): (66.46, 68.50), (5, "high", RETRAINED): (63.08, 34.70),
    (5, "low", BEFORE): (59.75, 14.71), (5, "low", RETRAINED): (56.95, 0.00),
}  # fmt: skip
Cells = Callable[[pd.DataFrame], dict[str, object]]


def lines(table: pd.DataFrame, keys: tuple[str, ...], cells: Cells) -> pd.DataFrame:
    """One line for each of `keys` in each scenario: its cells, made of all its runs.

    Where a line stands for several runs, a column `n` says how many. The scope is not said if it is that of the study.
    """
    keys = [name for name in (*SCENARIO, *keys) if name in table]
    groups = table.groupby(keys, sort=False, dropna=False)
    text = pd.DataFrame(dict(zip(keys, key, strict=True)) | {"n": how_many(rows)} | cells(rows) for key, rows in groups)
    usual = {"n": {1}, "scope": {Scenario.scope}}
    return text.drop(columns=[name for name, said in usual.items() if name in text and set(text[name]) == said])


def how_many(group: pd.DataFrame) -> int | str:
    """How many independent runs one line stands for: `5 to 10` where not all of them have all that it tells."""
    if "run" in group:
        return group["run"].nunique()
    counts = sorted(set(group["runs"])) if "runs" in group else [1]
    return counts[0] if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def spread(values: pd.Series, text: Callable[[float], str]) -> str:
    """`97.8 ± 0.3`: the mean, of several runs with its 95 % interval over them; empty where a run has none."""
    if values.isna().any():
        return ""
    return text(values.mean()) + (f" ± {text(half_width(values))}" if len(values) > 1 else "")


def percent(shares: pd.Series) -> str:
    """Shares of 1 in percent, without the sign."""
    return spread(shares, lambda share: f"{share:.1%}".rstrip("%"))


def number(values: pd.Series, digits: int = 2) -> str:
    """Values as they are."""
    return spread(values, lambda value: f"{value:,.{digits}f}")


def mean(values: pd.Series, digits: int = 3) -> str:
    """The mean over the runs; empty where a run has none."""
    return "" if values.isna().any() else f"{values.mean():.{digits}f}"


def pair(overall: pd.Series, forgotten: pd.Series) -> str:
    """Two shares in percent, the second in parentheses where it exists; `-` where nothing was decided."""
    if overall.isna().any():
        return "-"
    return percent(overall) + ("" if forgotten.isna().any() else f" ({percent(forgotten)})")


def formatted(*columns: tuple[str, str, Callable[[pd.Series], str]]) -> Cells:
    """Cells of one column each: heading, column, and how its runs are read."""
    return lambda group: {heading: form(group[name]) for heading, name, form in columns}


def by_aggregation(table: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> pd.DataFrame:
    """One line a state, one column an aggregation, a baseline the same in all; `-` where nothing was decided."""
    names = [name for name in dict.fromkeys(table["aggregation"]) if name]

    def cells(group: pd.DataFrame) -> dict[str, object]:
        by = {name: cell(part) or "-" for name, part in group.groupby("aggregation")}
        return {name: by.get(name, by.get("", "")) for name in names}

    return lines(table, ("state", "members"), cells)


def accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """`97.8 (96.7)`: percent overall, and of the forgotten class; `97.8 ± 0.3 (96.7 ± 1.1)` over several runs."""
    return by_aggregation(table, lambda group: pair(group["overall"], group["forgotten"]))


def recognition(table: pd.DataFrame) -> pd.DataFrame:
    """Recall and others taken in percent, and the AUROC."""
    shares = [(name, lambda values: mean(values * 100, 1)) for name in ("forgotten", "others_taken")]
    return by_aggregation(table, listed(*shares, ("forgotten_auroc", mean)))


def utility(table: pd.DataFrame) -> pd.DataFrame:
    """Macro recall in percent, and the calibration error."""
    return by_aggregation(table, listed(("macro_recall", percent), ("calibration_error", number)))


def listed(*columns: tuple[str, Callable[[pd.Series], str]]) -> Callable[[pd.DataFrame], str]:
    """A cell of several columns and how each is read; what says nothing is left out."""
    return lambda group: ", ".join(filter(None, (form(group[name]) for name, form in columns)))


def forgetting(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, and the reference beside; what was not decided is left out."""
    headings = ("average gap", "ToW", "JS distance, forgotten", "JS distance, held out")
    gaps = [(heading, gap, number) for heading, gap in zip(headings, GAPS, strict=True)]
    decided = table[table[["RA", "average_gap"]].notna().any(axis=1)].rename(columns={"reference": "against"})
    return lines(decided, ("state", "against"), formatted(*((name, name, percent) for name in UNLEARNING), *gaps))


def klom(table: pd.DataFrame) -> pd.DataFrame:
    """KLoM, its floor, and the excess by the chosen aggregation: of one run with its interval over services, of several
    with that over runs."""

    def cells(group: pd.DataFrame) -> dict[str, object]:
        first, excess = group.iloc[0], number(group["excess"], 3)
        if len(group) == 1:
            excess += f" ({first['low']:.3f} to {first['high']:.3f})"
        found = {"images": f"{first['images']:.0f}", "KLoM": mean(group["klom"]), "floor": mean(group["floor"])}
        return found | {"excess": excess}

    return lines(pick(table, aggregation=CHOSEN), ("state", "origin"), cells)


def areas(table: pd.DataFrame) -> pd.DataFrame:
    """One column a target: the AUC with its interval, of what the service answers by the chosen aggregation."""

    def cells(group: pd.DataFrame) -> dict[str, object]:
        first = group.iloc[0]
        found = {row.target: f"{row.auc:.2f} ({row.low:.2f} to {row.high:.2f})" for row in group.itertuples()}
        return {"images": first["images"], "held out": first["held_out"]} | found

    return targets_last(lines(chosen(table), ("attack", "origin"), cells))


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """The share of images found at 1 % and 0.1 % false alarms in percent, and epsilon, each with its interval."""
    columns = {"at 1 % false alarms": "tpr_at_1_percent", "at 0.1 %": "tpr_at_0.1_percent"}

    def cells(group: pd.DataFrame) -> dict[str, object]:
        (row,) = group.to_dict("records")
        found = {
            heading: within(row[name], row[f"{name}_low"], row[f"{name}_high"]) for heading, name in columns.items()
        }
        epsilon = "" if pd.isna(row["epsilon_low"]) else f"at least {row['epsilon_low']:.2f}"
        return found | {"epsilon": epsilon}

    counted = chosen(table).dropna(how="all", subset=[*columns.values(), "epsilon_low"])
    return lines(counted, ("attack", "origin", "target"), cells)


def within(share: float, low: float, high: float) -> str:
    return "" if pd.isna(share) else f"{share:.1%} ({low:.1%} to {high:.1%})".replace("%", "")


def chosen(table: pd.DataFrame) -> pd.DataFrame:
    """What was found by the chosen aggregation, and of models that need none; attacks by their names."""
    return pick(table, aggregation=(CHOSEN, "")).replace(ATTACKS)


def targets_last(text: pd.DataFrame) -> pd.DataFrame:
    """The columns of targets last, in their order, and empty where one was not attacked."""
    return text.fillna("")[[name for name in text if name not in TARGETS] + [name for name in TARGETS if name in text]]


def changes(table: pd.DataFrame) -> pd.DataFrame:
    """One line a state and another that it is compared with: the paired difference of the AUC, with its interval."""

    def cells(group: pd.DataFrame) -> dict[str, object]:
        (row,) = group.itertuples()
        return {"difference": f"{row.change:+.3f} ({row.low:+.3f} to {row.high:+.3f})"}

    named = chosen(table).rename(columns={"target": "state"})
    return lines(named, ("attack", "origin", "state", "against"), cells)


def differences(table: pd.DataFrame) -> pd.DataFrame:
    """One column a measure: the mean paired difference over the runs in points of 100, with its 95 % interval."""

    def cells(group: pd.DataFrame) -> dict[str, object]:
        by = {name: part["difference"] for name, part in group.groupby("measure")}
        return {name: number(by[name] * 100) if name in by else "" for name in COMPARED}

    return lines(pick(table, aggregation=CHOSEN), ("state", "against"), cells)


def notebooks(table: pd.DataFrame) -> pd.DataFrame:
    """Overall (and forgotten class) in percent: theirs, ours by their measure, and the held-out ones."""
    names = ("ours, the same", "ours, held-out, the same", "ours, held-out, prior-corrected")
    published = table[pd.MultiIndex.from_frame(table[["classes", "leakage", "state"]]).isin(PUBLISHED)]

    def cells(group: pd.DataFrame) -> dict[str, object]:
        theirs = PUBLISHED[tuple(group.iloc[0][["classes", "leakage", "state"]])]
        said = {"theirs, training images, averaged logits": "{:.1f} ({:.1f})".format(*theirs)}
        for name, (which, aggregation) in zip(names, MEASURED_ON, strict=True):
            ours = pick(group, measured_on=which, aggregation=aggregation)
            said[name] = pair(ours["overall"], ours["forgotten"])
        return said

    return lines(published, ("state",), cells).drop(columns="n", errors="ignore")


def answer(table: pd.DataFrame) -> pd.DataFrame:
    """One line a scenario: what is left of the class after it was forgotten, and what the service is worth; shares in
    percent."""
    columns = [
        ("copies that survive", "residual_copies", lambda copies: str(copies.iloc[0])),
        ("named before", "forgotten_before", percent),
        ("named retrained", "forgotten_retrained", percent),
        ("others taken for it", "others_taken", percent),
        ("AUROC", "forgotten_auroc", mean),
        ("AUROC, never saw it", "forgotten_auroc_baseline_retrained", mean),
        ("all classes right", "overall_retrained", percent),
    ]
    return lines(table, (), formatted(*columns))


def kinds(table: pd.DataFrame) -> pd.DataFrame:
    """The same for each kind of leakage, with the near copies that are left."""
    return response(table)


def response(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, AUROC and AUC, cost as a share of full retraining; one line a number of leaked images."""
    near = [("residual near copies", "residual_near_copies", lambda copies: str(copies.iloc[0]))]
    columns = [
        *(near if "kind" in table else []),
        ("residual copies", "residual_copies", lambda copies: str(copies.iloc[0])),
        ("recall before", "forgotten_before", percent),
    ]
    for suffix, by in {"": "", "_averaged_logits": ", averaged logits"}.items():
        columns += [
            (f"recall{by}", f"forgotten_retrained{suffix}", percent),
            (f"others taken{by}", f"others_taken{suffix}", percent),
            (f"AUROC{by}", f"forgotten_auroc{suffix}", mean),
            (f"all classes{by}", f"overall_retrained{suffix}", percent),
        ]
    columns += [
        ("attack before", "population_before", number),
        ("attack retrained", "population_retrained", number),
        ("attack, control", "population_baseline_retrained", number),
        ("exact cost", "exact", percent),
    ]
    key = "kind" if "kind" in table else "leaked"
    varied = {"exact": table["samples_all"] / table["samples_full"], key: table[key].astype(str)}
    return lines(table.drop(columns=[*SCENARIO]).assign(**varied), (key,), formatted(*columns))


def sharding(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, overall and in parentheses of the class, its AUROC, and cost in samples; one line a sharding
    and level."""

    def cells(group: pd.DataFrame) -> dict[str, object]:
        found: dict[str, object] = {}
        for suffix, by in {"": "", "_averaged_logits": ", averaged logits"}.items():
            for heading, state in {"before": BEFORE, "retrained": RETRAINED}.items():
                found[heading + by] = pair(group[f"overall_{state}{suffix}"], group[f"forgotten_{state}{suffix}"])
            found[f"AUROC{by}"] = mean(group[f"forgotten_auroc_{RETRAINED}{suffix}"])
        return found | the_rest(group)

    the_rest = formatted(
        ("copies that survive", "residual_copies", mean_count),
        ("AUROC, never saw it", "forgotten_auroc_baseline_retrained", mean),
        ("conventional model", "overall_baseline_full", percent),
        ("samples, the class", "samples_class", mean_count),
        ("samples, one image", "samples_one_image", mean_count),
        ("samples, conventional model", "samples_full", mean_count),
    )
    return lines(table, ("sharding",), cells)


def mean_count(counts: pd.Series) -> str:
    return f"{counts.mean():,.0f}"


NAMED = (
    recognition,
    utility,
    differences,
    forgetting,
    klom,
    areas,
    rates,
    changes,
    notebooks,
    answer,
    response,
    sharding,
    kinds,
)
READABLE = {"results": accuracy} | {each.__name__: each for each in NAMED}  # by the folder in results/
