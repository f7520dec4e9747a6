"""The metrics of a run as one tidy table: the only module that knows how the files metrics/*.json are laid out."""

from collections.abc import Iterator, Sequence

import pandas as pd

from sisa.base import paths
from sisa.unlearning.states import BASELINES, BEFORE, RETRAINED, RETRAINED_EXACT, STATES

COLUMNS = ["state", "model", "aggregation", "set", "class", "measure", "value"]
BASELINE_FULL, BASELINE_RETRAINED = (model.name for model in BASELINES)
BASELINE_LEAKED = paths.BASELINE_LEAKED.name
REFERENCES = (BASELINE_RETRAINED, RETRAINED_EXACT)
UNLEARNING = ("UA", "RA", "TA")
ANOTHER = "another seed"  # of the exactly retrained ensemble: the noise floor of a distance from it
FILES = (*STATES, "baseline", "controls", "forgetting", RETRAINED_EXACT, "members", "attacks", "klom", "cost")
WORK = {"training": BEFORE, "retraining": RETRAINED} | {name: name for name in (BASELINE_FULL, BASELINE_RETRAINED)}
ONE_BY_ONE = "samples, images one by one"
GAPS = ("average_gap", "tow", "js_distance_forgotten", "js_distance_held_out")


def tidy(metrics: dict[str, dict]) -> pd.DataFrame:
    """One row a number: COLUMNS, "" where a column does not apply. Baselines are states, and have no aggregation.

    metrics: the content of metrics/NAME.json by name; a file that the run lacks adds no rows. Where an aggregation is
    `undecided` on a set, every measure of that set is NaN.

    Measures have the names that they have in the files, but for the `recall` of a class, a distance as `tow against
    REFERENCE`, what an attack found as `lira auc`, and `klom` with `klom floor`, the set being where the images were,
    `samples, scope SCOPE` of forgetting with it, and ONE_BY_ONE of as many images, drawn at random, in closed form.
    """
    blank = dict.fromkeys(COLUMNS, "")
    found = [
        blank | place | {"value": value}
        for file in FILES
        for path, value in numbers(metrics.get(file, {}), file)
        if (place := place_of(*path))
    ]
    table = pd.DataFrame(found, columns=COLUMNS).astype({"value": float})
    undecided = pick(table, measure="undecided")[["state", "aggregation", "model", "set"]].reset_index()
    asked = table.loc[table["measure"] != "undecided", ["set", "class", "measure"]].drop_duplicates()
    return pd.concat([table, undecided.merge(asked, on="set").set_index("index")]).sort_index(kind="stable")


def numbers(content: dict | float, *path: str) -> Iterator[tuple[tuple[str, ...], float]]:
    """Every number in nested dicts, with the path of keys to it."""
    if isinstance(content, dict):
        for key, each in content.items():
            yield from numbers(each, *path, key)
    else:
        yield path, content


def place_of(*path: str) -> dict[str, str] | None:
    """The columns of the number that stands at this path, from the file's name on; None if nothing shows it."""
    match path:
        case (state, measure) if state in STATES:
            return {"state": state, "measure": measure}
        case (state, which, aggregation, *measure) if state in STATES:
            return {"state": state, "set": which, "aggregation": aggregation} | of_class(*measure)
        case ("baseline" | "controls", state, which, *measure):
            return {"state": state, "set": which} | of_class(*measure)
        case ("forgetting", state, *aggregation, "against_baseline_retrained", gap):
            return {"state": state, "aggregation": "".join(aggregation), "measure": against(BASELINE_RETRAINED, gap)}
        case ("forgetting", state, *aggregation, measure):
            return {"state": state, "aggregation": "".join(aggregation), "measure": measure}
        case ("retrained_exact", state, aggregation, measure):
            name = measure if measure in UNLEARNING else against(RETRAINED_EXACT, measure)
            return {"state": state, "aggregation": aggregation, "measure": name}
        case ("members", state, *model, measure):
            return {"state": state, "model": "".join(model), "measure": measure}
        case ("attacks", attack, state, *aggregation, which, measure):
            where = {"state": state, "aggregation": "".join(aggregation), "set": which}
            return where | {"measure": f"{attack} {measure}"}
        case ("klom", "floor", aggregation, measure):
            return {"state": ANOTHER, "aggregation": aggregation, "measure": against(RETRAINED_EXACT, measure)}
        case ("klom", state, aggregation, origin, measure):
            name = measure if measure == "klom" else f"klom {measure}"
            return {"state": state, "aggregation": aggregation, "set": origin, "measure": name}
        case ("cost", *place):
            return of_cost(*place)
    return None


def of_cost(*place: str) -> dict[str, str] | None:
    match place:
        case (work, "samples" | "images" as measure) if work in WORK:
            return {"state": WORK[work], "measure": measure}
        case ("scope", scope, "samples"):
            return {"state": RETRAINED, "measure": f"samples, scope {scope}"}
        case ("closed_form", "images", "one_by_one"):
            return {"state": RETRAINED, "measure": ONE_BY_ONE}
    return None


def of_class(measure: str, name: str = "") -> dict[str, str]:
    return {"measure": "recall", "class": name} if measure == "class" else {"measure": measure}


def against(reference: str, gap: str) -> str:
    """What the distance of a state from a reference is called."""
    return f"{gap} against {reference}"


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
