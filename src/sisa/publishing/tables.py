"""The files in results/: from the metrics of all runs of a data set, one table each."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from sisa.inference.outputs import HELD_OUT, TRAINING
from sisa.publishing.metrics_table import (
    ANOTHER,
    BASELINE_FULL,
    GAPS,
    ONE_BY_ONE,
    REFERENCES,
    UNLEARNING,
    against,
    pick,
    wide,
)
from sisa.publishing.runs import Run, over_runs, together
from sisa.scenarios.grid import BY_CLASS, Scenario
from sisa.unlearning.forget_set import SCOPES
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED, STATES

SCENARIO = ("classes", "leakage", "scope")
BASELINE_RETRAINED, RETRAINED_EXACT = REFERENCES
SHARES = ("overall", "forgotten", "retained")
CHOSEN, AVERAGED = "prior_corrected", "mean_logits"
MEASURED_ON = ((TRAINING, AVERAGED), (HELD_OUT, AVERAGED), (HELD_OUT, CHOSEN))  # beside the notebooks
COMPARED = ("overall", "retained", "forgotten", "forgotten_auroc")
PAIRS = (  # a state, and what it is compared with, of the same run
    (AFTER, BEFORE), (RETRAINED, BEFORE), (RETRAINED, BASELINE_RETRAINED), (BEFORE, BASELINE_FULL),
)  # fmt: skip
NOTEBOOKS = "animals10"  # the photos that the notebooks were run on
SUFFIXES = {CHOSEN: "", AVERAGED: "_averaged_logits"}
RESPONSES = {  # column: state, aggregation, set and measure
    "residual_copies": (RETRAINED, "", "", "residual_copies"),
    "forgotten_before": (BEFORE, CHOSEN, HELD_OUT, "forgotten"),
    **{
        f"{column}{suffix}": (RETRAINED, aggregation, HELD_OUT, column.removesuffix("_retrained"))
        for aggregation, suffix in SUFFIXES.items()
        for column in ("forgotten_retrained", "others_taken", "forgotten_auroc", "overall_retrained")
    },
    "forgotten_auroc_baseline_retrained": (BASELINE_RETRAINED, "", HELD_OUT, "forgotten_auroc"),
    "overall_baseline_full": (BASELINE_FULL, "", HELD_OUT, "overall"),
    **{
        f"population_{state}": (state, aggregation, "leaked", "population auc")
        for state, aggregation in {BEFORE: CHOSEN, RETRAINED: CHOSEN, BASELINE_RETRAINED: ""}.items()
    },
    **{f"samples_{scope}": (RETRAINED, "", "", f"samples, scope {scope}") for scope in SCOPES},
    "samples_full": (BASELINE_RETRAINED, "", "", "samples"),
}
SHARDED = {
    **{
        f"{measure}_{state}{suffix}": (state, aggregation, HELD_OUT, measure)
        for aggregation, suffix in SUFFIXES.items()
        for state in (BEFORE, RETRAINED)
        for measure in ("overall", "forgotten", "forgotten_auroc")
    },
    "forgotten_auroc_baseline_retrained": (BASELINE_RETRAINED, "", HELD_OUT, "forgotten_auroc"),
    "overall_baseline_full": (BASELINE_FULL, "", HELD_OUT, "overall"),
    "residual_copies": (RETRAINED, "", "", "residual_copies"),
    "samples_class": (RETRAINED, "", "", "samples"),
    "samples_images": (RETRAINED, "", "", ONE_BY_ONE),
    "samples_full": (BASELINE_RETRAINED, "", "", "samples"),
    "images_full": (BASELINE_FULL, "", "", "images"),
    "images_retained": (BASELINE_RETRAINED, "", "", "images"),
}
BY_KIND = {"residual_near_copies": (RETRAINED, "", "", "residual_near_copies"), **RESPONSES}


def held_out(metrics: pd.DataFrame, *measures: str) -> pd.DataFrame:
    """One row a state and aggregation, a baseline having none: these measures on held-out images."""
    return wide(pick(metrics, set=HELD_OUT), ("state", "aggregation"), measures)


def accuracy(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and aggregation: members, and the held-out shares right overall, forgotten and retained."""
    shares = held_out(metrics, *SHARES)
    members = wide(pick(metrics, measure="members"), ("state",), ("members",))
    counts = shares.merge(members, how="left")["members"].fillna(1).astype(int)  # a baseline is one model
    shares.insert(shares.columns.get_loc("aggregation") + 1, "members", counts)
    return shares


def recognition(metrics: pd.DataFrame) -> pd.DataFrame:
    """Recall of the forgotten class, the share of the others taken for it, and its AUROC against them."""
    return held_out(metrics, "forgotten", "others_taken", "forgotten_auroc")


def utility(metrics: pd.DataFrame) -> pd.DataFrame:
    """Macro recall and calibration error."""
    return held_out(metrics, "macro_recall", "calibration_error")


def forgetting(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and reference: UA, RA and TA by `prior_corrected`, and how far the state is from it; and how far
    the exactly retrained ensemble with other seeds is from it."""
    chosen, parts = pick(metrics, state=(*STATES, ANOTHER), aggregation=CHOSEN), []
    for reference in REFERENCES:
        names = {against(reference, gap): gap for gap in GAPS}
        part = wide(chosen, ("state",), (*UNLEARNING, *names)).rename(columns=names)
        part.insert(part.columns.get_loc("state") + 1, "reference", reference)
        parts.append(part[(part["state"] != ANOTHER) | (reference == RETRAINED_EXACT)])
    return alternating(parts)


def klom(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state, aggregation and origin of images: KLoM, its floor and the excess, of runs with oracles."""
    names = {"klom": "klom", **{f"klom {name}": name for name in ("floor", "excess", "low", "high", "images")}}
    found = wide(pick(metrics, measure=[*names]), ("state", "aggregation", "set"), [*names])
    return found.rename(columns=names | {"set": "origin"})


def notebooks(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a state and measure of the notebooks: the shares right overall and of the forgotten class, on photos."""
    ours = pick(metrics, dataset=NOTEBOOKS, state=STATES)
    by_measure = [pick(ours, set=which, aggregation=aggregation) for which, aggregation in MEASURED_ON]
    parts = [wide(rows, ("state", "set", "aggregation"), SHARES[:2]) for rows in by_measure]
    return alternating(parts).rename(columns={"set": "measured_on"})


def alternating(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """The first rows of all parts, then the second ones, and so on."""
    return pd.concat(parts).sort_index(kind="stable", ignore_index=True)


def differences(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a measure, aggregation, and state with another that it is compared with: the difference of each run."""
    found = held_out(metrics, *COMPARED)
    values = found.melt([name for name in found if name not in COMPARED], var_name="measure").dropna(subset="value")
    keys = [name for name in values if name not in ("state", "aggregation", "value")]
    parts = []
    for state, other in PAIRS:
        ours, theirs = (pick(values, state=name).drop(columns="state") for name in (state, other))
        if other not in STATES:  # one model, which has no aggregation
            theirs = theirs.drop(columns="aggregation")
        both = ours.merge(
            theirs, on=[name for name in (*keys, "aggregation") if name in theirs], suffixes=("", "_other")
        )
        difference = both["value"] - both["value_other"]
        parts.append(both[[*keys, "aggregation"]].assign(state=state, against=other, difference=difference))
    return pd.concat(parts, ignore_index=True)


def response(metrics: pd.DataFrame, columns: dict[str, tuple] = RESPONSES) -> pd.DataFrame:
    """One row a run: how knowledge, accuracy, attacks and cost follow the number of leaked images; NaN for what is not.

    Held-out, of the forgotten class: recall before, and recall, the share of others taken for it and AUROC retrained,
    by `prior_corrected` and by averaged logits; the overall shares retrained and that of the conventional model; the
    AUC of the population attack on the leaked images, before, retrained and, as a control, on the conventional model
    that never saw them; samples processed at either scope and in full retraining of a conventional model.
    """
    found = one_row_a_run(metrics, columns).fillna(
        {"residual_near_copies": 0}
    )  # older runs do not count what they lack
    return found.astype({name: int for name in columns if name.startswith(("res", "sam"))})


def sharding(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a run: knowledge, accuracy and cost, to compare shards of random images with shards of classes.

    Held-out, before and retrained, by `prior_corrected`, which declines where no member saw two classes, and by
    averaged logits: the shares right overall and of the forgotten class, and its AUROC. samples_class is counted, of
    forgetting the class; samples_one_image is in closed form: of forgetting one image, on average over as many as the
    class has, drawn at random from all and forgotten one by one; samples_full is counted, of retraining a conventional
    model once.
    """
    found = one_row_a_run(metrics, SHARDED)
    images = found.pop("images_full") - found.pop("images_retained")
    place = found.columns.get_loc("samples_images")
    found.insert(place, "samples_one_image", found.pop("samples_images") / images)
    return found.astype(dict.fromkeys(("residual_copies", "samples_class", "samples_full"), int))


def one_row_a_run(metrics: pd.DataFrame, places: dict[str, tuple[str, str, str, str]]) -> pd.DataFrame:
    """The numbers at these places, state, aggregation, set and measure, as columns."""
    column = {place: name for name, place in places.items()}
    found = pd.MultiIndex.from_frame(metrics[["state", "aggregation", "set", "measure"]])
    return wide(metrics.assign(measure=found.map(column)).dropna(subset="measure"), (), [*places])


TABLES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {  # by the folder in results/
    "recognition": recognition,
    "utility": utility,
    "forgetting": forgetting,
    "klom": klom,
    "differences": differences,
    "notebooks": notebooks,
}


def of_runs(runs: list[Run]) -> dict[Path, pd.DataFrame]:
    """The files of results/ that the runs of one data set make, by their place there; a table may be empty.

    Raises BadInput where a run lacks what intervals are made of.
    """
    from sisa.attacks import areas  # SciPy's statistics, which nothing else here needs

    files = compared_by_sharding([run for run in runs if run.choices.leaked is None])
    runs = [run for run in runs if run.choices.sharding == BY_CLASS]
    if not runs:
        return files
    # `5-high-leaked50` is `5-high` again where the level leaks 50
    once = {(*keys(run.choices).values(), run.leaked): run for run in runs if run.choices.kind == Scenario.kind}
    own = [run for run in runs if run.choices.leaked is None]
    for folder, same, key, columns in (
        ("response", once.values(), "leaked", RESPONSES),
        ("kinds", own, "kind", BY_KIND),
    ):
        found = studies(response(varied([*same], key), columns), key) if same else {}
        files |= {Path(folder, f"{name}.csv"): study for name, study in found.items()}
    of_level = [run for run in own if run.choices.kind == Scenario.kind]
    if of_level:
        metrics = together([run.table for run in of_level], [keys(run.choices) for run in of_level])
        file = Path(f"{of_level[0].dataset}.csv")
        files[file] = accuracy(metrics)
        files["answer" / file] = response(metrics)
        files |= {Path(name) / file: make(metrics) for name, make in TABLES.items()}
        for make in (areas.areas, areas.changes):
            found = over_runs(of_level, make, lambda run: keys(run.choices))
            files[Path(make.__name__) / file] = found.drop(columns="run", errors="ignore")
        files[Path("areas") / file], files[Path("rates") / file] = apart(files[Path("areas") / file])
    return files


def compared_by_sharding(runs: list[Run]) -> dict[Path, pd.DataFrame]:
    """results/sharding/DATASET.csv where some runs have shards of random images: these, and those with as many classes.

    The other tables are of shards of classes alone.
    """
    classes = {run.choices.classes for run in runs if run.choices.sharding != BY_CLASS}
    those = [run for run in runs if run.choices.classes in classes and run.choices.kind == Scenario.kind]
    if not those:
        return {}
    known = [keys(run.choices) | {"sharding": run.choices.sharding} for run in those]
    return {Path("sharding", f"{those[0].dataset}.csv"): sharding(together([run.table for run in those], known))}


def apart(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of `areas` without the rates, and the rates of those that have any."""
    rates = [name for name in rows if name.startswith(("tpr", "epsilon"))]
    known = [name for name in rows if name not in (*rates, "auc", "low", "high", "each")]
    return rows.drop(columns=rates), rows[[*known, *rates]].dropna(how="all", subset=rates)


def keys(scenario: Scenario) -> dict:
    """What tells the rows of a scenario's run from those of others."""
    return {name: getattr(scenario, name) for name in ("dataset", *SCENARIO, "run")}


def varied(runs: list[Run], key: str) -> pd.DataFrame:
    """The metrics of runs with what varies beside their keys: the number of leaked images, or the kind."""
    values = [run.leaked if key == "leaked" else run.choices.kind for run in runs]
    known = [keys(run.choices) | {key: value} for run, value in zip(runs, values, strict=True)]
    return together([run.table for run in runs], known)


def studies(table: pd.DataFrame, key: str = "leaked") -> dict[str, pd.DataFrame]:
    """The rows by scenario, `5-high`, of those that were run with at least two numbers of leaked images, by number; or
    with two kinds of leakage, by kind.
    """
    found = {}
    for (dataset, classes, leakage, scope), rows in table.groupby(["dataset", *SCENARIO]):
        if rows[key].nunique() > 1:
            name = Scenario(classes, leakage, dataset, scope).name
            found[name] = rows.sort_values([key, "run"], ignore_index=True)
    return found


def read(file: Path) -> pd.DataFrame:
    """A file of results/: an empty number is NaN, an empty aggregation a baseline's."""
    table = pd.read_csv(file, keep_default_na=False, na_values=[""])
    return table.fillna({"aggregation": ""}) if "aggregation" in table else table
