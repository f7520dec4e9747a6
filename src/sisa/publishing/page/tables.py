"""What the charts of the results page show: for each figure one row a mark, of one run or averaged over seeds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pandas as pd

from sisa.attacks import areas
from sisa.publishing.results import SHARES, STATES
from sisa.sharding.leakage import leakage_matrix
from sisa.unlearning.states import RETRAINED_EXACT

ANY = ""  # the aggregation of what does not depend on one
ENSEMBLES = STATES[:3]
MEASURES = ("average_gap", "tow", "js_distance_forgotten", "js_distance_held_out")
VALUES = ["value", "low", "high"]
MANY = 0.1  # a share of others that are taken for the class, beyond which its recall says little


@dataclass(frozen=True)
class Run:
    """One run: what it is called without its seeds, its params.yaml, metrics/*.json and plots/**/*.csv by name.

    `short` is its label beside others of its data set; `family` is shared with runs that differ in leakage.leaked only.
    A metrics or plots file that the run does not have is absent.
    """

    scenario: str
    label: str
    short: str
    family: str
    params: dict
    metrics: dict[str, dict]
    plots: dict[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def dataset(self) -> str:
        return self.params["dataset"]["name"]


Rows = Iterator[dict]


def mark(panel: str, row: str, value: float | None, series: str | None = None, **other) -> dict:
    """One mark: the chart that it is in, its place there, what it is coloured by, and what it shows."""
    return {"aggregation": ANY, "panel": panel, "row": row, "series": series or row, "value": value} | other


def held_out(run: Run) -> Iterator[tuple[str, str, dict]]:
    """State, aggregation and the scores on held-out images."""
    for state in ENSEMBLES:
        for aggregation, scores in run.metrics[state]["held_out"].items():
            yield state, aggregation, scores
    for state, scores in run.metrics["baseline"].items():
        yield state, ANY, scores["held_out"]


def states(run: Run) -> Rows:
    for share in (*SHARES, "others_taken"):
        for state, aggregation, scores in held_out(run):
            if share in scores or "undecided" in scores:
                yield mark(share.replace("_", " "), state, scores.get(share), aggregation=aggregation)


def recognition(run: Run) -> Rows:
    for state, aggregation, scores in held_out(run):
        if "forgotten_auroc" in scores or "undecided" in scores:
            yield mark("", state, scores.get("forgotten_auroc"), aggregation=aggregation)


def served(run: Run) -> Rows:
    for panel in ("members", "residual_copies"):
        for state in ENSEMBLES:
            yield mark(panel.replace("_", " "), state, run.metrics[state][panel])


def classes(run: Run) -> Rows:
    for name in run.params["shards"]:
        for state, aggregation, scores in held_out(run):
            yield mark(name, state, scores.get("class", {}).get(name), aggregation=aggregation)


def confusion(run: Run) -> Rows:
    """Images by the class that they are of (row) and the one that they were taken for (series), by state."""
    for state in ENSEMBLES:
        if (table := run.plots.get(f"confusion/{state}")) is not None:
            counts = pd.crosstab(table["actual"], table["predicted"])
            names = sorted({*counts.index, *counts.columns}, key=lambda name: (name == "undecided", name))
            for actual, row in counts.reindex(columns=names, fill_value=0).iterrows():
                for predicted, count in row.items():
                    yield mark(state, actual, count, predicted)


def leakage(run: Run) -> Rows:
    names = run.params["shards"]
    for shard, row in zip(names, leakage_matrix(names, **run.params["leakage"]), strict=True):
        for name, count in zip(names, row, strict=True):
            yield mark("", shard, count, name)


def members(run: Run) -> Rows:
    """The share of held-out images of the forgotten class that each served member names, and each baseline."""
    known = run.metrics.get("members", {})
    panels = {state: known[state] for state in ENSEMBLES if state in known}
    panels["baselines"] = {name: each for name, each in known.items() if name not in ENSEMBLES}
    for panel, models in panels.items():
        for name, each in models.items():
            if "names" in each:
                series = name if panel == "baselines" else panel
                yield mark(panel, name, each["names"], series, note=f"saw {each['saw']:,}")


def unlearning(run: Run) -> Rows:
    everything = run.metrics.get("forgetting", {}) | {
        name: each for name, each in run.metrics.get(RETRAINED_EXACT, {}).items() if name == RETRAINED_EXACT
    }
    for measure in ("UA", "RA", "TA"):
        for state, aggregation, scores in by_aggregation(everything):
            if measure in scores:
                yield mark(measure, state, scores[measure], aggregation=aggregation)


def by_aggregation(states: dict) -> Iterator[tuple[str, str, dict]]:
    """State, aggregation and scores, of a file in which a baseline may have scores of its own, without aggregation."""
    for state, scores in states.items():
        nested = all(isinstance(each, dict) for each in scores.values())
        for aggregation, each in scores.items() if nested else [(ANY, scores)]:
            yield state, aggregation, each


def distances(run: Run) -> Rows:
    """How far each state is from either reference."""
    for measure in MEASURES:
        for state, aggregation, scores in by_aggregation(run.metrics.get("forgetting", {})):
            against = scores.get("against_baseline_retrained", {})
            if measure in against:
                yield mark(measure, state, against[measure], "baseline_retrained", aggregation=aggregation)
        for state, aggregation, scores in by_aggregation(run.metrics.get(RETRAINED_EXACT, {})):
            if measure in scores:
                yield mark(measure, state, scores[measure], RETRAINED_EXACT, aggregation=aggregation)


def attacked(kind: str, runs: list[Run]) -> Rows:
    """The AUCs of one attack over the runs of each scenario that share their split, with intervals."""
    scenarios: dict[str, list[Run]] = {}
    for run in runs:
        if "influence" in run.plots:
            scenarios.setdefault(run.scenario, []).append(run)
    for name, same in scenarios.items():
        split = same[0].params["split_seed"]
        found = [
            areas.Attacked(run.metrics["attacks"], run.plots["influence"].set_index("image"))
            for run in same
            if run.params["split_seed"] == split
        ]
        for row in areas.areas(found):
            if row["attack"] == kind:
                more = {"low": row["low"], "high": row["high"], "note": f"n = {row['runs']}", "group": name}
                yield mark(row["origin"], row["target"], row["auc"], **more)


def relearning(run: Run) -> Rows:
    """The share of held-out images of the class that is named as relearning goes on, and the goal."""
    table, goal = run.plots.get("relearning"), run.metrics.get("relearning", {}).get("goal")
    if table is None or goal is None:
        return
    for member, rows in table.groupby("member", sort=False):
        for point in rows.itertuples():
            yield mark(member, f"{point.samples:,} samples", point.named, point.start, at=point.samples)
        for samples in (rows["samples"].min(), rows["samples"].max()):
            yield mark(member, f"{samples:,} samples", goal, "goal", at=samples)


def relearned(run: Run) -> Rows:
    for member, starts in run.metrics.get("relearning", {}).items():
        if member != "goal":
            for start, each in starts.items():
                yield mark("", member, each.get("samples"), start)


def cost(run: Run) -> Rows:
    bill = run.metrics["cost"]
    yield mark("", "train all members", bill["training"]["samples"], "before")
    for scope, each in bill["scope"].items():
        yield mark("", f"forget, scope {scope}", each["samples"], "retrained")
    yield mark("", "baseline_retrained", bill["baseline_retrained"]["samples"])


def speed_up(run: Run) -> Rows:
    bill = run.metrics["cost"]
    for scope, each in bill["scope"].items():
        if each["samples"]:
            yield mark("", f"scope {scope}", bill["baseline_retrained"]["samples"] / each["samples"], "retrained")


def overview(run: Run) -> Rows:
    """The forgotten class in each state, beside the other scenarios of the data set, and the others taken for it."""
    for state, aggregation, scores in held_out(run):
        if state in ENSEMBLES:
            taken = scores.get("others_taken")
            yield mark(state, run.short, scores.get("forgotten"), state, aggregation=aggregation, taken=taken)


def response(run: Run) -> Rows:
    """The same shares as `states`, by the number of leaked images."""
    leaked = run.params["leakage"]["leaked"]
    for row in states(run):
        yield row | {"row": f"{leaked} leaked", "series": row["row"], "at": leaked}


ATTACKS = ("lira", "population")
TABLES: dict[str, tuple[Callable[[Run], Rows], str]] = {  # of what, and of which runs together
    **{
        table.__name__: (table, "scenario")
        for table in (
            states, recognition, served, classes, confusion, leakage, members, unlearning, distances, relearning,
            relearned, cost, speed_up,
        )
    },
    "overview": (overview, "dataset"),
    "response": (response, "family"),
}  # fmt: skip


def averaged(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a mark: over several runs the mean, and from the lowest to the highest of them."""
    keys = [name for name in rows.columns if name not in {*VALUES, "taken"}]
    marks = []
    for key, group in rows.groupby(keys, sort=False, dropna=False):
        each = group["value"]
        mark = {"value": each.mean(skipna=False), "low": float("nan"), "high": float("nan")}
        if len(group) > 1:
            mark |= {"low": each.min(skipna=False), "high": each.max(skipna=False)}
        marks.append(dict(zip(keys, key, strict=True)) | mark | {"taken": group["taken"].mean()})
    return noted(pd.DataFrame(marks, columns=rows.columns))


def noted(rows: pd.DataFrame) -> pd.DataFrame:
    """With the share of others that are taken for the class as a note, and a flag where it is large."""
    known = rows["taken"].notna()
    notes = [f"{'⚠ ' if share > MANY else ''}others {share:.1%}" for share in rows.loc[known, "taken"]]
    return rows.assign(note=rows["note"].astype(object).mask(known, pd.Series(notes, rows.index[known], dtype=object)))


def table(name: str, runs: list[Run]) -> pd.DataFrame:
    """The rows of one figure, with the group of scenarios that each belongs to."""
    columns = ["group", "aggregation", "panel", "row", "series", "at", "note", *VALUES, "taken"]
    numbers = dict.fromkeys([*VALUES, "taken"], float)
    if name in ATTACKS:
        return pd.DataFrame(attacked(name, runs), columns=columns).astype(numbers)
    make, group = TABLES[name]
    rows = [row | {"group": getattr(run, group)} for run in runs for row in make(run)]
    frame = pd.DataFrame(rows, columns=columns).astype(numbers)
    return averaged(curves(frame) if name == "response" else frame)


def curves(rows: pd.DataFrame) -> pd.DataFrame:
    """Those of families with at least two numbers of leaked images, by number."""
    return rows[rows.groupby("group")["at"].transform("nunique") > 1].sort_values("at", kind="stable")
