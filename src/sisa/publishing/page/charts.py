"""The figures of the results page: what each is called and how it is drawn, as Vega whose data set `rows` is empty.

The page fills it with the rows of `marks`, each with a `label` for its value as people read it; where there is no
`low` and `high`, they are the value.
"""

from dataclasses import dataclass

import altair as alt
import vl_convert

from sisa.publishing.palette import CELL, COLOURS, STATES

INK = "currentColor"  # SVG takes it from the style sheet, so that one chart serves light and dark
PERCENT, COUNT, SCORE, TIMES = "percent", "count", "score", "times"
SHARE_AXIS = {"domain": [0, 1], "format": "%"}
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])  # that Altair writes
CONFIG = {
    "background": "transparent",
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    "axis": dict.fromkeys(("labelColor", "titleColor", "domainColor", "tickColor", "gridColor"), INK)
    | {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelLimit": 150}
    | {"gridOpacity": 0.12, "domainOpacity": 0.4, "tickOpacity": 0.4},
    "axisY": {"domain": False, "ticks": False, "grid": False, "labelPadding": 6},
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": INK},
}


@dataclass(frozen=True)
class Figure:
    """A figure: its rows are `marks.table(name, runs)`; `columns` head its data table: panel, row, series and value."""

    name: str
    title: str
    unit: str
    chart: alt.TopLevelMixin
    columns: tuple[str, str, str, str]
    legend: tuple[str, ...] = ()

    @property
    def vega(self) -> dict:
        fit = alt.AutoSizeParams(type="fit-x", contains="padding")
        chart = self.chart.properties(width="container", autosize=fit).configure(**CONFIG)
        return vl_convert.vegalite_to_vega(chart.to_dict(), vl_version=VEGA_LITE)

    @property
    def swatches(self) -> dict[str, str]:
        return {name: COLOURS[name] for name in self.legend}


def chart() -> alt.Chart:
    return alt.Chart(alt.NamedData("rows"))


def colour() -> alt.Color:
    return alt.Color("series:N", legend=None).scale(domain=list(COLOURS), range=list(COLOURS.values()))


def across(field: str, scale: dict, axis=alt.Undefined) -> alt.X:
    """A place from left to right. All layers of a chart share one scale, so each must be told it."""
    return alt.X(f"{field}:Q", title=None, axis=axis).scale(**scale, clamp=True, nice=False).stack(False)


def down(series: bool = False) -> dict:
    """A place from top to bottom, in the order of the rows, and of the series in each."""
    row = {"y": alt.Y("row:N", sort=None, title=None)}
    return row | ({"yOffset": alt.YOffset("series:N", sort=list(COLOURS))} if series else {})


def values(base: alt.Chart) -> alt.Chart:
    """The values in a column of their own, right of the plot."""
    return base.mark_text(align="left", dx=8).encode(x=alt.value("width"), text="label:N")


def bars(grouped: bool = False, axis: dict | None = None, picked: bool = False):
    """Bars with a whisker from low to high, empty where no value is; `picked` fades all but the scenario's own."""
    axis = axis or {"domainMin": 0, "format": ",d"}
    form, scale = axis["format"], {key: value for key, value in axis.items() if key != "format"}
    base = chart().encode(**down(grouped))
    x = across("value", scale, alt.Axis(format=form, tickCount=3))
    bar = base.mark_bar(height=alt.RelativeBandSize(0.72), cornerRadiusEnd=2, invalid=None).encode(x=x, color=colour())
    if picked:
        bar = bar.encode(opacity=alt.when("datum.picked").then(alt.value(1)).otherwise(alt.value(0.4)))
    whisker = base.mark_rule(strokeWidth=1.5, invalid=None).encode(x=across("low", scale), x2="high:Q")
    step = alt.Step(17, **{"for": "offset"}) if grouped else alt.Step(27)
    return alt.layer(bar, whisker, values(base)).properties(height=step)


def intervals(middle: float):
    """Points with whiskers, and a line at what is found by guessing."""
    scale, base = {"domain": [0, 1]}, chart().encode(**down())
    guessed = chart().transform_calculate(middle=str(middle)).mark_rule(strokeDash=[4, 3])
    line = guessed.encode(x=across("middle", scale))
    whisker = base.mark_rule(strokeWidth=2).encode(x=across("low", scale), x2="high:Q", color=colour())
    axis = alt.Axis(format=".1~f", tickCount=3)
    point = base.mark_point(filled=True, size=70, opacity=1).encode(x=across("value", scale, axis), color=colour())
    return alt.layer(line, whisker, point, values(base)).properties(height=alt.Step(27))


def heatmap(x: str, y: str):
    base = chart().encode(
        x=alt.X("series:N", sort=None, title=x, axis=alt.Axis(orient="top", labelAngle=-35, domain=False, ticks=False)),
        y=alt.Y("row:N", sort=None, title=y),
    )
    opacity = alt.Opacity("value:Q", legend=None).scale(type="sqrt", range=[0, 1], domainMin=0)
    cell = base.mark_rect(fill=CELL, stroke=INK, strokeOpacity=0.15).encode(opacity=opacity)
    ink = alt.when("datum.value > 0.64 * datum.most").then(alt.value("white")).otherwise(alt.value(INK))
    return alt.layer(cell, base.mark_text().encode(text="label:N", color=ink)).properties(height=alt.Step(34))


def lines(x: str, y: str):
    base = chart().encode(
        x=alt.X("at:Q", title=x, axis=alt.Axis(format=",d", tickCount=4, grid=False)),
        y=alt.Y("value:Q", title=y, axis=alt.Axis(format="%", tickCount=3, grid=True)).scale(domain=[0, 1]),
        color=colour(),
    )
    dash = alt.when("datum.series == 'baseline_retrained'").then(alt.value([4, 3])).otherwise(alt.value([1, 0]))
    line = base.mark_line(clip=True, strokeWidth=2).encode(strokeDash=dash)
    point = base.mark_point(filled=True, size=28, opacity=1)
    whisker = base.mark_rule(clip=True).encode(y="low:Q", y2="high:Q")
    return alt.layer(line, whisker, point).properties(height=170)


FIGURES = (
    Figure("overview", "The forgotten class in every scenario", PERCENT, bars(axis=SHARE_AXIS, picked=True),
           ("state", "scenario", "", "accuracy")),
    Figure("response", "As more images leak", PERCENT, lines("images of each class that leak", "accuracy"),
           ("share", "leaked images", "state", "accuracy"), legend=tuple(STATES)),
    Figure("leakage", "Leakage matrix", COUNT, heatmap("images of class", "shard"), ("", "shard", "class", "images")),
    Figure("states", "Held-out accuracy in each state", PERCENT, bars(axis=SHARE_AXIS),
           ("share", "state", "", "accuracy")),
    Figure("recognition", "The forgotten class told from the others, without a threshold", SCORE, intervals(0.5),
           ("", "state", "", "AUROC")),
    Figure("served", "What answers in each state", COUNT, bars(), ("", "state", "", "count")),
    Figure("classes", "Held-out accuracy of each class", PERCENT, bars(axis=SHARE_AXIS),
           ("class", "state", "", "accuracy")),
    Figure("confusion", "Confusion matrices", COUNT, heatmap("taken for", "actual"),
           ("state", "class", "taken for", "images")),
    Figure("members", "Members that name the forgotten class", PERCENT, bars(axis=SHARE_AXIS),
           ("state", "model", "", "images named")),
    Figure("unlearning", "Accuracies of unlearning", PERCENT, bars(axis=SHARE_AXIS), ("measure", "state", "", "share")),
    Figure("distances", "Distance from models that never saw the class", SCORE,
           bars(grouped=True, axis={"domain": [0, 1], "format": ".1~f"}),
           ("measure", "state", "against", "value"), legend=("baseline_retrained", "retrained_exact")),
    Figure("population", "Population attack: one answer", SCORE, intervals(0.5), ("images", "state", "", "AUC")),
    Figure("difference", "Difference attack: an answer before and after", SCORE, intervals(0.5),
           ("images", "state", "", "AUC")),
    Figure("lira", "LiRA: one answer, and shadow services", SCORE, intervals(0.5), ("images", "state", "", "AUC")),
    Figure("lira_difference", "LiRA on the difference: both answers, and shadow services", SCORE, intervals(0.5),
           ("images", "state", "", "AUC")),
    Figure("cost", "Samples processed", COUNT, bars(), ("", "work", "", "samples")),
    Figure("speed_up", "Speed-up over full retraining", TIMES, bars(), ("", "request", "", "speed-up")),
)  # fmt: skip
