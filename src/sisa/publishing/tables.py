"""The result tables: rows of runs for the files in results/, and each file as people read it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sisa.attacks import areas
from sisa.data.outputs import HELD_OUT, TRAINING
from sisa.publishing.metrics_table import (
    BASELINE_FULL,
    BASELINE_RETRAINED,
    GAPS,
    REFERENCES,
    UNLEARNING,
    pick,
    wide,
)
from sisa.publishing.runs import Run, over_runs, together
from sisa.scenarios.grid import SEEDS, Scenario
from sisa.unlearning.forget_set import SCOPES
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED, RETRAINED_EXACT, STATES

FOLDER = Path("results")
RECOGNITION, RESPONSE, AREAS, CHANGES = (FOLDER / name for name in ("recognition", "response", "areas", "changes"))
SCENARIO = ("classes", "leakage", "scope")
SHARES = ("overall", "forgotten", "retained")
RECOGNIZED = ("forgotten", "others_taken", "forgotten_auroc")
CHOSEN, AVERAGED = "prior_corrected", "mean_logits"
TARGETS = (*STATES, RETRAINED_EXACT, BASELINE_FULL, BASELINE_RETRAINED)
ATTACKS = {"population": "population", "lira": "LiRA"}
POPULATION = ("auc", "images", "held_out", "balanced_accuracy")
LIRA = ("auc", "balanced_accuracy", "tpr_at_1_percent")
SERVED = "served"
NOTEBOOKS = "animals10"  # the photos that the notebooks were run on
# Of the notebooks' own output: overall and forgotten class, in percent, on the shards' training images.
PUBLISHED = {
    (3, "high", BEFORE): (72.30, 76.22),
    (3, "high", RETRAINED): (63.48, 18.44),
    (3, "low", BEFORE): (67.77, 48.71),
    (3, "low", AFTER): (60.04, 11.41),
    (3, "low", RETRAINED): (57.85, 3.76),
    (5, "high", BEFORE): (66.46, 68.50),
    (5, "high", RETRAINED): (63.08, 34.70),
    (5, "low", BEFORE): (59.75, 14.71),
    (5, "low", RETRAINED): (56.95, 0.00),
}
BY_NOTEBOOKS = {
    "ours, the same": (TRAINING, AVERAGED),
    "ours, held-out, the same": (HELD_OUT, AVERAGED),
    "ours, held-out, prior-corrected": (HELD_OUT, CHOSEN),
}
RESPONSES = {  # column: state, aggregation, set and measure
    "residual_copies": (RETRAINED, "", "", "residual_copies"),
    "forgotten_before": (BEFORE, CHOSEN, HELD_OUT, "forgotten"),
    **{
        f"{name}{suffix}": (RETRAINED, aggregation, HELD_OUT, measure)
        for aggregation, suffix in {CHOSEN: "", AVERAGED: "_averaged_logits"}.items()
        for name, measure in {
            "forgotten_retrained": "forgotten",
            "others_taken": "others_taken",
            "forgotten_auroc": "forgotten_auroc",
            "overall_retrained": "overall",
        }.items()
    },
    "forgotten_auroc_baseline_retrained": (BASELINE_RETRAINED, "", HELD_OUT, "forgotten_auroc"),
    "overall_baseline_full": (BASELINE_FULL, "", HELD_OUT, "overall"),
    **{
        f"population_{target}": (target, "", "leaked", "population auc")
        for target in (BEFORE, RETRAINED, BASELINE_RETRAINED)
    },
    **{f"samples_{scope}": (RETRAINED, "", "", f"samples, scope {scope}") for scope in SCOPES},
    "samples_full": (BASELINE_RETRAINED, "", "", "samples"),
}


@dataclass(frozen=True)
class Table:
    """rows: of the tidy metrics of runs (metrics_table), those of a file; readable: what people read of it, if any."""

    rows: Callable[[pd.DataFrame], pd.DataFrame]
    readable: Callable[[pd.DataFrame], pd.DataFrame] | None


def held_out(metrics: pd.DataFrame, *measures: str) -> pd.DataFrame:
    """One row a state and aggregation, a baseline having none: these measures on held-out images."""
    return wide(pick(metrics, set=HELD_OUT), ("state", "aggregation"), measures)


def accuracy(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and aggregation: members, and the held-out shares right overall, forgotten and retained."""
    shares = held_out(metrics, *SHARES)
    members = wide(pick(metrics, measure="members"), ("state",), ["members"]).astype({"members": int})
    keys = [name for name in shares if name not in SHARES]
    return shares.merge(members, how="left")[[*keys, "members", *SHARES]]


def recognition(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and aggregation, of held-out images: recall of the forgotten class, the share of the others taken
    for it, and its AUROC against them (evaluation.metrics.recognition).
    """
    return held_out(metrics, *RECOGNIZED)


def utility(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and aggregation: macro recall and calibration error on held-out images."""
    return held_out(metrics, "macro_recall", "calibration_error")


def forgetting(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and reference: UA, RA and TA by `prior_corrected`, and how far the state is from it."""
    chosen = pick(metrics, state=STATES, aggregation=CHOSEN)
    parts = {}
    for reference in REFERENCES:
        far = {f"{gap} against {reference}": gap for gap in GAPS}
        parts[reference] = wide(chosen, ("state",), (*UNLEARNING, *far)).rename(columns=far)
    return side_by_side(parts, ["reference"], (*UNLEARNING, *GAPS))


def side_by_side(parts: dict, names: list[str], measures: tuple[str, ...]) -> pd.DataFrame:
    """Tables with the same rows in one: after each row the same of the other parts, told apart by these names."""
    named = [
        part.assign(**dict(zip(names, [key] if isinstance(key, str) else key, strict=True)))
        for key, part in parts.items()
    ]
    table = pd.concat(named).sort_index(kind="stable", ignore_index=True)
    return table[[*(name for name in table if name not in measures), *measures]]


def attack(metrics: pd.DataFrame, name: str, numbers: tuple[str, ...]) -> pd.DataFrame:
    """One row a target and origin of the images that the attack was made on."""
    measures = {f"{name} {number}": number for number in numbers}
    found = wide(pick(metrics, measure=[*measures]), ("state", "set"), [*measures])
    counts = {name: int for name in ("images", "held_out") if name in numbers}
    return found.rename(columns=measures | {"state": "target", "set": "origin"}).astype(counts)


def relearning(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a member: the share named at first and the samples until regained, as served and exactly retrained."""
    found = pick(metrics, measure=("relearning named", "relearning samples"), state=(SERVED, RETRAINED_EXACT))
    found = found.assign(measure=found["state"] + found["measure"].str.replace("relearning ", "_"))
    measures = [f"{start}_{what}" for start in (SERVED, RETRAINED_EXACT) for what in ("named", "samples")]
    return wide(found, ("model",), measures).rename(columns={"model": "member"})


def notebooks(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and measure of the notebooks: the shares right overall and of the forgotten class, on photos."""
    ours = pick(metrics, dataset=NOTEBOOKS, state=STATES)
    parts = {
        (which, aggregation): wide(pick(ours, set=which, aggregation=aggregation), ("state",), SHARES[:2])
        for which, aggregation in BY_NOTEBOOKS.values()
    }
    return side_by_side(parts, ["measured_on", "aggregation"], SHARES[:2])


def response(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a run: how knowledge, accuracy, attacks and cost follow the number of leaked images; NaN for what is not.

    Held-out, of the forgotten class: recall before, and recall, the share of others taken for it and AUROC retrained,
    by `prior_corrected` and by averaged logits; the overall shares retrained and that of the conventional model; the
    AUC of the population attack on the leaked images, before, retrained and, as a control, on the conventional model
    that never saw them; samples processed at either scope and in full retraining of a conventional model.
    """
    column = {place: name for name, place in RESPONSES.items()}
    places = pd.MultiIndex.from_frame(metrics[["state", "aggregation", "set", "measure"]])
    named = metrics.assign(measure=places.map(column)).dropna(subset="measure")
    counts = {name: int for name in RESPONSES if name.startswith(("residual", "samples"))}
    return wide(named, (), [*RESPONSES]).astype(counts)


def of_runs(dataset: str, runs: list[Run]) -> dict[Path, pd.DataFrame]:
    """The files in results/ of the runs of a data set; a study of leakage has those of other leaked numbers too.

    Raises BadInput where a run lacks what intervals are made of.
    """
    of_level = [run for run in runs if run.choices.leaked is None]
    files = {}
    if of_level:
        metrics = together(of_level)
        files = {folder / f"{dataset}.csv": table.rows(metrics) for folder, table in TABLES.items()}
        files[AREAS / f"{dataset}.csv"] = over_runs(of_level, areas.areas)
        files[CHANGES / f"{dataset}.csv"] = over_runs(of_level, areas.changes)
    leaked = [run.leaked for run in runs for _ in range(len(run.table))]
    found = studies(response(together(runs).assign(leaked=leaked)))
    return files | {RESPONSE / f"{name}.csv": study for name, study in found.items()}


def read(file: Path) -> pd.DataFrame:
    """A file of results/: an empty number is NaN, an empty aggregation a baseline's."""
    table = pd.read_csv(file, keep_default_na=False, na_values=[""])
    return table.fillna({"aggregation": ""}) if "aggregation" in table else table


def studies(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows by scenario, `5-high`, of those that were run with at least two numbers of leaked images, by number."""
    found = {}
    for (dataset, classes, leakage, scope), rows in table.groupby(["dataset", *SCENARIO]):
        if rows["leaked"].nunique() > 1:
            name = Scenario(classes, leakage, dataset, scope).name
            found[name] = rows.sort_values(["leaked", "split_seed", "seed"], ignore_index=True)
    return found


def lines(
    table: pd.DataFrame, keys: tuple[str, ...], cells: Callable[[pd.DataFrame], dict[str, object]]
) -> pd.DataFrame:
    """One line for each of `keys` in each scenario: its cells, made of the runs that only their seeds tell apart.

    Where a line stands for several runs, a column `n` says how many and what varied. The scope is not said if it is
    that of the study.
    """
    keys = [name for name in (*SCENARIO, *keys) if name in table]
    found = [
        dict(zip(keys, key, strict=True)) | {"n": how_many(group)} | cells(group)
        for key, group in table.groupby(keys, sort=False, dropna=False)
    ]
    text = pd.DataFrame(found)
    known = {"n": {"1"}, "scope": {Scenario.scope}}
    return text.drop(columns=[name for name, said in known.items() if name in text and set(text[name]) == said])


def how_many(group: pd.DataFrame) -> str:
    """How many runs one line stands for, and what varied between them: `3 (seed)`.

    `5 (star)`: each differs from the first in one of the seeds and none in both, so that they are not independent.
    """
    varied = [name for name in SEEDS if name in group and group[name].nunique() > 1]
    if not varied:
        return "1"
    different = group[varied].drop_duplicates()
    star = len(varied) == 2 and (different == different.iloc[0]).any(axis=1).all()
    return f"{len(different)} ({'star' if star else ', '.join(varied)})"


def by_aggregation(table: pd.DataFrame, cell: Callable[[pd.DataFrame], str]) -> pd.DataFrame:
    """One line a state, one column an aggregation, a baseline the same in all; `-` where nothing was decided."""
    names = [name for name in dict.fromkeys(table["aggregation"]) if name]

    def cells(group: pd.DataFrame) -> dict[str, str]:
        by = {name: cell(part) or "-" for name, part in group.groupby("aggregation")}
        return {name: by.get(name, by.get("", "")) for name in names}

    return lines(table, ("state", "members"), cells)


def readable_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """`97.8 (96.7)`: percent overall, and of the forgotten class; `97.8 ± 0.3 (96.7 ± 1.1)` over several runs."""
    return by_aggregation(table, lambda group: pair(group["overall"], group["forgotten"]))


def readable_recognition(table: pd.DataFrame) -> pd.DataFrame:
    """Recall and others taken in percent, and the AUROC."""

    def cell(group: pd.DataFrame) -> str:
        digits = {"forgotten": (100, 1), "others_taken": (100, 1), "forgotten_auroc": (1, 3)}
        return ", ".join(filter(None, (mean(group[name] * scale, each) for name, (scale, each) in digits.items())))

    return by_aggregation(table, cell)


def readable_utility(table: pd.DataFrame) -> pd.DataFrame:
    """Macro recall in percent, and the calibration error."""
    return by_aggregation(
        table,
        lambda group: ", ".join(filter(None, [percent(group["macro_recall"]), number(group["calibration_error"])])),
    )


def readable_forgetting(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, and the reference beside; what was not decided is left out."""
    names = dict(zip(GAPS, ("average gap", "ToW", "JS distance, forgotten", "JS distance, held out"), strict=True))
    return lines(
        table[table["RA"].notna()].rename(columns={"reference": "against"}),
        ("state", "against"),
        lambda group: (
            {name: percent(group[name]) for name in UNLEARNING}
            | {name: number(group[gap]) for gap, name in names.items()}
        ),
    )


def readable_lira(table: pd.DataFrame) -> pd.DataFrame:
    """One column a target: the AUC of each training seed of split_seed 0, in their order."""

    def cells(group: pd.DataFrame) -> dict[str, str]:
        by_target = group.sort_values("seed").groupby("target")["auc"]
        return {target: " ".join(f"{auc:.2f}" for auc in found) for target, found in by_target}

    return targets_last(lines(table[table["split_seed"] == 0], ("origin",), cells))


def readable_areas(table: pd.DataFrame) -> pd.DataFrame:
    """One column a target: the AUC with its interval."""

    def cells(group: pd.DataFrame) -> dict[str, object]:
        first = group.iloc[0]
        found = {f"{row.target}": f"{row.auc:.2f} ({row.low:.2f} to {row.high:.2f})" for row in group.itertuples()}
        return {"runs": first["runs"], "images": first["images"], "held out": first["held_out"]} | found

    return targets_last(lines(table.replace({"attack": ATTACKS}), ("attack", "origin"), cells))


def targets_last(text: pd.DataFrame) -> pd.DataFrame:
    """The columns of targets last, in their order, and empty where one was not attacked."""
    return text.fillna("")[[name for name in text if name not in TARGETS] + [name for name in TARGETS if name in text]]


def readable_changes(table: pd.DataFrame) -> pd.DataFrame:
    """One line a later state: the differences to the state before in each run, and their mean with its interval."""

    def cells(group: pd.DataFrame) -> dict[str, str]:
        (row,) = group.itertuples()
        return {
            "each run": " ".join(f"{float(value):+.2f}" for value in row.each.split()),
            "later - before": f"{row.change:+.3f} ({row.low:+.3f} to {row.high:+.3f})",
        }

    named = table.replace({"attack": ATTACKS}).rename(columns={"target": "later state"})
    return lines(named, ("attack", "origin", "later state"), cells)


def readable_relearning(table: pd.DataFrame) -> pd.DataFrame:
    """The share named at first in percent, and samples until regained; in how many of the runs, where not in all."""

    def cells(group: pd.DataFrame) -> dict[str, str]:
        return {
            f"{name}: {what}": text
            for start, name in {SERVED: "served", RETRAINED_EXACT: "never saw it"}.items()
            for what, text in {
                "names at first": percent(group[f"{start}_named"]),
                "samples to regain": regained(group[f"{start}_samples"]),
            }.items()
        }

    return lines(table, ("member",), cells)


def readable_notebooks(table: pd.DataFrame) -> pd.DataFrame:
    """Overall (and forgotten class) in percent: theirs, ours by their measure, and the held-out ones."""

    def cells(group: pd.DataFrame) -> dict[str, str]:
        key = tuple(group.iloc[0][["classes", "leakage", "state"]])
        theirs = {"theirs, training images, averaged logits": "{:.1f} ({:.1f})".format(*PUBLISHED[key])}
        by = dict(list(group.groupby(["measured_on", "aggregation"])))
        return theirs | {
            name: pair(by[measure]["overall"], by[measure]["forgotten"]) for name, measure in BY_NOTEBOOKS.items()
        }

    theirs = pd.MultiIndex.from_frame(table[["classes", "leakage", "state"]]).isin(PUBLISHED)
    return lines(table[theirs], ("state",), cells).drop(columns="n", errors="ignore")


def readable_response(table: pd.DataFrame) -> pd.DataFrame:
    """Shares in percent, AUROC and AUC, cost as a share of full retraining; one line a number of leaked images."""

    def cells(group: pd.DataFrame) -> dict[str, str]:
        said = {
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
        attacked = {BEFORE: "attack before", RETRAINED: "attack retrained", BASELINE_RETRAINED: "attack, control"}
        said |= {name: number(group[f"population_{target}"]) for target, name in attacked.items()}
        return said | {"exact cost": percent(group["samples_all"] / group["samples_full"])}

    return lines(table.drop(columns=[*SCENARIO]), ("leaked",), cells)


def pair(overall: pd.Series, forgotten: pd.Series) -> str:
    """Two shares in percent, the second in parentheses where it exists; `-` where nothing was decided."""
    if overall.isna().any():
        return "-"
    return percent(overall) + ("" if forgotten.isna().any() else f" ({percent(forgotten)})")


def percent(shares: pd.Series) -> str:
    """Shares of 1 in percent, without the sign."""
    return spread(shares, lambda share: f"{share:.1%}".rstrip("%"))


def number(values: pd.Series, digits: int = 2) -> str:
    return spread(values, lambda value: f"{value:,.{digits}f}")


def spread(values: pd.Series, text: Callable[[float], str]) -> str:
    """`97.8 ± 0.3`: the mean, of several runs with their standard deviation; empty where a run has none.

    The deviation says how far apart the runs lie. It is no interval: they may share their images.
    """
    if values.isna().any():
        return ""
    return text(values.mean()) + (f" ± {text(values.std())}" if len(values) > 1 else "")


def mean(values: pd.Series, digits: int) -> str:
    """The mean over the runs; empty where a run has none."""
    return "" if values.isna().any() else f"{values.mean():.{digits}f}"


def regained(samples: pd.Series) -> str:
    """Samples until regained, of the runs that did; `never`, where none did."""
    times = samples.dropna()
    if times.empty:
        return "never"
    return number(times, 0) + ("" if len(times) == len(samples) else f", in {len(times)} of {len(samples)}")


TABLES = {
    FOLDER: Table(accuracy, readable_accuracy),
    RECOGNITION: Table(recognition, readable_recognition),
    FOLDER / "utility": Table(utility, readable_utility),
    FOLDER / "forgetting": Table(forgetting, readable_forgetting),
    FOLDER / "population": Table(lambda metrics: attack(metrics, "population", POPULATION), None),
    FOLDER / "lira": Table(lambda metrics: attack(metrics, "lira", LIRA), readable_lira),
    FOLDER / "relearning": Table(relearning, readable_relearning),
    FOLDER / "notebooks": Table(notebooks, readable_notebooks),
}
READABLE = {folder: table.readable for folder, table in TABLES.items() if table.readable} | {
    AREAS: readable_areas,
    CHANGES: readable_changes,
    RESPONSE: readable_response,
}
