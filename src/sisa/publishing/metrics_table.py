"""The metrics of a run as one tidy table: the only module that knows how the files metrics/*.json are laid out."""

from collections.abc import Iterator, Sequence

import pandas as pd

from sisa.unlearning.states import BASELINES, BEFORE, RETRAINED, RETRAINED_EXACT, STATES

COLUMNS = ["state", "model", "aggregation", "set", "class", "measure", "value"]
BASELINE_FULL, BASELINE_RETRAINED = (model.name for model in BASELINES)
UNLEARNING = ("UA", "RA", "TA")
GAPS = ("average_gap", "tow", "js_distance_forgotten", "js_distance_held_out")
REFERENCES = (BASELINE_RETRAINED, RETRAINED_EXACT)
NAN = float("nan")
Rows = Iterator[dict]


def tidy(metrics: dict[str, dict]) -> pd.DataFrame:
    """One row a number: COLUMNS, "" where a column does not apply; baselines are states, and have no aggregation.

    metrics: the content of metrics/NAME.json by name; a file that the run lacks adds no rows. What was to be measured
    and could not be decided is NaN.

    `members` and `residual_copies` of each state; by aggregation and set, what `evaluation.metrics` measures, and of
    each class its `recall`; UA, RA, TA, and each of GAPS as `tow against REFERENCE`. By model, what `saw` and `names`
    the forgotten class. `population auc`, and so on, of each attack, the set being where its images were. `relearning
    goal`, and of each model that starts as served or as retrained_exact, what it `named` at first and the `samples`
    until it reaches the goal, NaN if never. `samples` processed: BEFORE in training all members, RETRAINED in the
    request, `samples, scope SCOPE` if that is its scope, and of a baseline.
    """
    rows = (row for part in (utility, forgetting, members, attacks, relearning, cost) for row in part(metrics))
    blank = dict.fromkeys(COLUMNS, "")
    return pd.DataFrame([blank | row for row in rows], columns=COLUMNS).astype({"value": float})


def row(state: str, measure: str, value: float, **where: str) -> dict:
    return {"state": state, "measure": measure, "value": value} | where


def utility(metrics: dict[str, dict]) -> Rows:
    scored = []
    for state in STATES:
        for name, each in metrics.get(state, {}).items():
            if isinstance(each, dict):
                scored += [(state, {"set": name, "aggregation": key}, scores) for key, scores in each.items()]
            else:
                yield row(state, name, each)
    for state, sets in metrics.get("baseline", {}).items():
        yield row(state, "members", 1)
        scored += [(state, {"set": name}, scores) for name, scores in sets.items()]
    to_measure = {place: NAN for _, _, scores in scored for place, _ in flat(scores) if place != ("", "undecided")}
    for state, where, scores in scored:
        found = to_measure | dict(flat(scores)) if "undecided" in scores else dict(flat(scores))
        for (name, measure), value in found.items():
            yield row(state, measure, value, **where, **{"class": name})


def flat(scores: dict) -> Iterator[tuple[tuple[str, str], float]]:
    """Class, if any, and measure, with the value."""
    for name, value in scores.items():
        if name == "class":
            yield from (((each, "recall"), share) for each, share in value.items())
        else:
            yield ("", name), value


def forgetting(metrics: dict[str, dict]) -> Rows:
    undecided = {"forgetting": dict.fromkeys(UNLEARNING, NAN), RETRAINED_EXACT: {}}
    for file, nothing in undecided.items():
        for state, scores in metrics.get(file, {}).items():
            by_aggregation = all(isinstance(each, dict) for each in scores.values())
            for aggregation, each in scores.items() if by_aggregation else [("", scores)]:
                for measure, value in (each or nothing).items():
                    against = file if measure in GAPS else measure.removeprefix("against_")
                    for gap, far in value.items() if isinstance(value, dict) else [(measure, value)]:
                        name = f"{gap} against {against}" if gap in GAPS else gap
                        yield row(state, name, far, aggregation=aggregation)


def members(metrics: dict[str, dict]) -> Rows:
    for state, found in metrics.get("members", {}).items():
        for model, scores in found.items() if state in STATES else [("", found)]:
            yield from (row(state, measure, value, model=model) for measure, value in scores.items())


def attacks(metrics: dict[str, dict]) -> Rows:
    for attack, targets in metrics.get("attacks", {}).items():
        for target, found in targets.items():
            for model, origins in found.items() if attack == "members" else [("", found)]:
                for origin, numbers in origins.items():
                    where = {"model": model, "set": origin}
                    yield from (row(target, f"{attack} {name}", value, **where) for name, value in numbers.items())


def relearning(metrics: dict[str, dict]) -> Rows:
    for model, starts in metrics.get("relearning", {}).items():
        if model == "goal":
            yield row("", "relearning goal", starts)
            continue
        for start, found in starts.items():
            for measure in ("named", "samples"):
                yield row(start, f"relearning {measure}", found.get(measure, NAN), model=model)


def cost(metrics: dict[str, dict]) -> Rows:
    report = metrics.get("cost", {})
    for state, part in {BEFORE: "training", RETRAINED: "retraining"}.items():
        if part in report:
            yield row(state, "samples", report[part]["samples"])
    for scope, each in report.get("scope", {}).items():
        yield row(RETRAINED, f"samples, scope {scope}", each["samples"])
    for state in (BASELINE_FULL, BASELINE_RETRAINED):
        if state in report:
            yield row(state, "samples", report[state]["samples"])


def pick(table: pd.DataFrame, **where: str | Sequence[str]) -> pd.DataFrame:
    """The rows whose columns have these values, or one of these."""
    for column, values in where.items():
        table = table[table[column].isin([values] if isinstance(values, str) else values)]
    return table


def wide(table: pd.DataFrame, rows: Sequence[str], measures: Sequence[str]) -> pd.DataFrame:
    """One column a measure, NaN where it does not exist; one row for each combination of `rows`, in their order.

    What else a table has beside COLUMNS tells its runs apart, and comes first. Raises ValueError where a measure stands
    twice in one row.
    """
    keys = [*(name for name in table if name not in COLUMNS), *rows]
    found = pick(table, measure=measures).pivot(index=keys, columns="measure", values="value").reindex(columns=measures)
    return table[keys].drop_duplicates(ignore_index=True).join(found, on=keys)
