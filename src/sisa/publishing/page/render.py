"""The results page as one HTML text that fetches nothing: rows, charts, Vega and style are all in it."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path

import pandas as pd
import vl_convert
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sisa.base.params import forgotten_classes
from sisa.base.text import in_words
from sisa.publishing.page.charts import COUNT, FIGURES, PERCENT, SCORE, TIMES, VEGA_LITE, Figure
from sisa.publishing.page.marks import ATTACKS, table
from sisa.publishing.palette import STATES
from sisa.publishing.runs import Run

HERE = Path(__file__).parent
WORDS = yaml.safe_load((HERE / "words.yaml").read_text())
FIELDS = ["aggregation", "panel", "row", "series", "at", "value", "low", "high", "label", "range"]
READ_AS = {PERCENT: (100, ".1f", " %"), COUNT: (1, ",.0f", ""), SCORE: (1, ".3f", ""), TIMES: (1, ".1f", " times")}


def page(runs: list[Run]) -> str:
    """The page of these runs of one scenario or many; several of a scenario are averaged."""
    content = {"scenarios": scenarios(runs), "figures": [figure(each, runs) for each in FIGURES]}
    templates = Environment(loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined)
    templates.trim_blocks = templates.lstrip_blocks = True
    scripts = [vega(), (HERE / "page.js").read_text()]
    return templates.get_template("page.html").render(
        scenarios=content["scenarios"],
        picked=picked([each["name"] for each in content["scenarios"]]),
        aggregations=aggregations(runs),
        figures={each.name: each for each in FIGURES},
        states=list(STATES),
        words=WORDS,
        style=Markup((HERE / "page.css").read_text()),
        data=Markup(json.dumps(content, separators=(",", ":")).replace("<", "\\u003c")),
        scripts=[Markup(script) for script in scripts],
        hashes=" ".join(map(digest, scripts)),
    )


@cache
def vega() -> str:
    """The runtime that draws: Vega-Embed with Vega and, though the charts are compiled already, Vega-Lite."""
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=VEGA_LITE)
    return bundle.replace("</script", "<\\/script")


def digest(script: str) -> str:
    """As a Content-Security-Policy names a script that may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def aggregations(runs: list[Run]) -> list[str]:
    """In the order of the metrics, whose first is the default."""
    return [name for name in dict.fromkeys(name for run in runs for name in run.table["aggregation"]) if name]


def picked(names: list[str]) -> str:
    """The scenario that is shown first: one of a leakage level as it is, rather than with a number of leaked images."""
    return next((name for name in names if "leaked" not in name), names[0])


def scenarios(runs: list[Run]) -> list[dict]:
    """What the picker offers, and what is told of each."""
    names = dict.fromkeys(run.scenario for run in runs)
    by_name = {name: [run for run in runs if run.scenario == name] for name in names}
    return [
        {
            "name": name,
            "label": same[0].label,
            "short": same[0].short,
            "dataset": same[0].dataset,
            "groups": [name, same[0].dataset, same[0].family],
            "forgotten": in_words(forgotten_classes(same[0].params["forget"]["class"]) or ("no class",)),
            "runs": told(same),
        }
        for name, same in by_name.items()
    ]


def told(runs: list[Run]) -> str:
    """How many runs a scenario's figures stand for."""
    if len(runs) == 1:
        return f"one run (seed {runs[0].params['seed']})"
    return f"means of n = {len(runs)} independent runs, with the lowest and the highest run"


def figure(figure: Figure, runs: list[Run]) -> dict:
    """The chart and its rows, by the group of scenarios that they belong to."""
    rows = table(figure.name, runs)
    rows["label"] = [label(mark.value, figure.unit, mark.note) for mark in rows.itertuples()]
    rows["range"] = [between(mark.low, mark.high, figure.unit) for mark in rows.itertuples()]
    fields = [name for name in FIELDS if rows[name].notna().any()]
    return {
        "name": figure.name,
        "columns": (*figure.columns, "95 % interval" if figure.name in ATTACKS else "lowest to highest run"),
        "vega": figure.vega,
        "fields": fields,
        "rows": {group: plain(part[fields]) for group, part in rows.groupby("group", sort=False)},
    }


def plain(rows: pd.DataFrame) -> list[list]:
    """Ready for JSON, where a number that does not exist is null."""
    return [
        [None if pd.isna(each) else round(each, 4) if isinstance(each, float) else each for each in row]
        for row in rows.itertuples(index=False)
    ]


def label(value: float, unit: str, note: str | None) -> str:
    """A value as people read it, with what is to be noted, if anything."""
    if pd.isna(value):
        return "undecided"
    scale, form, sign = READ_AS[unit]
    return f"{value * scale:{form}}{sign}" + ("" if pd.isna(note) else f", {note}")


def between(low: float, high: float, unit: str) -> str | None:
    """Both ends as people read them; None where there are none."""
    if pd.isna(low):
        return None
    scale, form, sign = READ_AS[unit]
    return f"{low * scale:{form}} to {high * scale:{form}}{sign}"
