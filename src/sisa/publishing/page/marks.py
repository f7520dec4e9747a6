"""What the charts of the results page show: for each figure one row a mark, of one run or averaged over runs."""

from collections.abc import Callable, Iterator

import pandas as pd

from sisa.attacks import areas
from sisa.inference.outputs import HELD_OUT
from sisa.publishing.metrics_table import BASELINE_RETRAINED, GAPS, REFERENCES, UNLEARNING, against, pick, wide
from sisa.publishing.runs import Run, over_runs, together
from sisa.publishing.tables import SHARES
from sisa.scenarios.grid import BY_CLASS
from sisa.sharding.leakage import leakage_matrix
from sisa.unlearning.forget_set import SCOPES
from sisa.unlearning.states import BEFORE, STATES

STATED = (*SHARES, "others_taken")
KNOWN = ("scenario", "short", "dataset", "family", "leaked")
VALUES = ["value", "low", "high"]
KEYS = ["group", "aggregation", "panel", "row", "series", "at", "note"]
ATTACKS = ("lira", "lira_difference", "population", "difference")
MANY = 0.1  # a share of others that are taken for the class, beyond which its recall says little


def table(name: str, runs: list[Run]) -> pd.DataFrame:
    """The marks of one figure: the group of scenarios that they belong to, the aggregation that they depend on, if any,
    their panel, their row there, the series that they are coloured by, and the `value` that they show, from `low` to
    `high` over several runs. `at` is a place on a line, `note` what to say beside."""
    if name in ATTACKS:
        return shaped(attacked(name, runs))
    if name in OF_RUNS:
        found = [pd.DataFrame(OF_RUNS[name](run)).assign(group=run.scenario) for run in runs]
        return averaged(shaped(pd.concat(found, ignore_index=True)))
    make, group = OF_METRICS[name]
    known = [{"run": number} | {name: getattr(run, name) for name in KNOWN} for number, run in enumerate(runs)]
    marks = make(together([run.table for run in runs], known))
    return averaged(shaped(marks.assign(group=marks[group])))


def shaped(marks: pd.DataFrame) -> pd.DataFrame:
    """With all columns of a mark: where nothing else is said, its row and series are the state."""
    usual = {"panel": "", "aggregation": "", "row": marks.get("state"), "series": marks.get("state")}
    numbers = [*VALUES, "taken"]
    marks = marks.assign(**{name: value for name, value in usual.items() if name not in marks})
    return marks.reindex(columns=[*KEYS, *numbers]).astype(dict.fromkeys(numbers, float))


def by_panel(metrics: pd.DataFrame, measures: tuple[str, ...], **where) -> pd.DataFrame:
    """One mark a state, one panel a measure, in this order."""
    found = pick(metrics, measure=measures, **where)
    found = found.sort_values("measure", key=lambda names: names.map(measures.index), kind="stable")
    return found.assign(panel=found["measure"].str.replace("_", " "))


def held_out(metrics: pd.DataFrame, *measures: str) -> pd.DataFrame:
    return by_panel(metrics, measures, set=HELD_OUT)


def classes(metrics: pd.DataFrame) -> pd.DataFrame:
    found = held_out(metrics, "recall")
    return found.assign(panel=found["class"]).sort_values("panel", kind="stable")


def members(metrics: pd.DataFrame) -> pd.DataFrame:
    """The share of held-out images of the forgotten class that each served member names, and each baseline."""
    found = wide(pick(metrics, measure=("names", "saw")), ("state", "model"), ("names", "saw"))
    found = found.dropna(subset="names")
    of_state = found["state"].isin(STATES)
    return found.assign(
        panel=found["state"].where(of_state, "baselines"),
        row=found["model"].where(of_state, found["state"]),
        value=found["names"],
        note=[f"saw {saw:,.0f}" for saw in found["saw"]],
    )


def distances(metrics: pd.DataFrame) -> pd.DataFrame:
    """How far each state is from either reference."""
    marks = by_panel(metrics, tuple(against(reference, gap) for gap in GAPS for reference in REFERENCES))
    parts = marks["measure"].str.split(" against ")
    return marks.assign(panel=parts.str[0], series=parts.str[1])


def cost(metrics: pd.DataFrame) -> pd.DataFrame:
    every, full = (pick(metrics, state=state, measure="samples") for state in (BEFORE, BASELINE_RETRAINED))
    to_forget = at_scopes(metrics).assign(row=lambda found: "forget, " + found["row"])
    return pd.concat([every.assign(row="train all members"), to_forget, full.assign(row=full["state"])])


def at_scopes(metrics: pd.DataFrame) -> pd.DataFrame:
    found = pick(metrics, measure=[f"samples, scope {scope}" for scope in SCOPES])
    return found.assign(row=found["measure"].str.removeprefix("samples, "))


def speed_up(metrics: pd.DataFrame) -> pd.DataFrame:
    full = pick(metrics, state=BASELINE_RETRAINED, measure="samples").set_index("run")["value"]
    marks = at_scopes(metrics)
    return marks.assign(value=marks["run"].map(full) / marks["value"])[marks["value"] > 0]


def overview(metrics: pd.DataFrame) -> pd.DataFrame:
    """The forgotten class in each state, beside the other scenarios of the data set, and the others taken for it."""
    found = pick(metrics, state=STATES, set=HELD_OUT)
    shares = wide(found, ("state", "aggregation"), ("forgotten", "others_taken"))
    shares = shares.rename(columns={"forgotten": "value", "others_taken": "taken", "short": "row"})
    return shares.assign(panel=shares["state"])


def response(metrics: pd.DataFrame) -> pd.DataFrame:
    """The same shares as `states`, by the number of leaked images; of families with at least two of them."""
    marks = held_out(metrics, *STATED)
    marks = marks.assign(row=[f"{count} leaked" for count in marks["leaked"]], at=marks["leaked"])
    several = marks.groupby("family")["at"].transform("nunique") > 1
    return marks[several].sort_values("at", kind="stable")


def mark(panel: str, row: str, value: float, series: str, at: float | None = None) -> dict:
    return {"panel": panel, "row": row, "value": value, "series": series, "at": at}


def confusion(run: Run) -> Iterator[dict]:
    """Images by the class that they are of (row) and the one that they were taken for (series), by state."""
    for state in STATES:
        if (table := run.plots.get(f"confusion/{state}")) is not None:
            counts = pd.crosstab(table["actual"], table["predicted"])
            names = sorted({*counts.index, *counts.columns}, key=lambda name: (name == "undecided", name))
            for actual, row in counts.reindex(columns=names, fill_value=0).iterrows():
                yield from (mark(state, actual, count, predicted) for predicted, count in row.items())


def leakage(run: Run) -> Iterator[dict]:
    """The matrix by which classes were dealt; shards of random images have none."""
    names = run.params["shards"] if run.sharding == BY_CLASS else []
    leakage = {key: value for key, value in run.params["leakage"].items() if key != "kind"}
    for shard, row in zip(names, leakage_matrix(names, **leakage), strict=True):
        yield from (mark("", shard, count, name) for name, count in zip(names, row, strict=True))


def attacked(kind: str, runs: list[Run]) -> pd.DataFrame:
    """The AUCs of one attack over the runs of each scenario, with intervals."""
    found = over_runs(runs, areas.areas, lambda run: {"group": run.scenario})
    if found.empty:
        return found
    found = pick(found, attack=kind).rename(columns={"origin": "panel", "target": "state", "auc": "value"})
    return found.assign(note=[f"n = {count}" for count in found["runs"]])


def averaged(marks: pd.DataFrame) -> pd.DataFrame:
    """One row a mark: over several runs the mean, and from the lowest to the highest of them; NaN if one has none.

    The share of others that are taken for the class becomes a note, with a flag where it is large.
    """
    groups = marks.groupby(KEYS, sort=False, dropna=False)
    found = groups["value"].agg(value=lambda each: each.mean(skipna=False), low="min", high="max", runs="size")
    spread = found[["low", "high"]].where((found["runs"] > 1) & found["value"].notna())
    marks = pd.concat([found["value"], spread, groups["taken"].mean()], axis=1).reset_index()
    taken = marks["taken"].map(lambda share: f"{'⚠ ' if share > MANY else ''}others {share:.1%}", na_action="ignore")
    return marks.assign(note=taken.astype(object).fillna(marks["note"]))


OF_METRICS: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {  # of what, and of which runs together
    "overview": (overview, "dataset"),
    "response": (response, "family"),
    "states": (lambda metrics: held_out(metrics, *STATED), "scenario"),
    "recognition": (lambda metrics: pick(metrics, measure="forgotten_auroc", set=HELD_OUT), "scenario"),
    "served": (lambda metrics: by_panel(metrics, ("members", "residual_copies"), state=STATES), "scenario"),
    "classes": (classes, "scenario"),
    "members": (members, "scenario"),
    "unlearning": (lambda metrics: by_panel(metrics, UNLEARNING), "scenario"),
    "distances": (distances, "scenario"),
    "cost": (cost, "scenario"),
    "speed_up": (speed_up, "scenario"),
}
OF_RUNS = {each.__name__: each for each in (confusion, leakage)}
