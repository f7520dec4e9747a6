"""The picture of a result table: how much of the forgotten class the ensemble still names."""

import pandas as pd
from matplotlib.figure import Figure

from sisa.results import STATES, interval
from sisa.scenarios import Scenario

SHOWN = {"mean_logits": "averaged logits (a member vetoes what it never saw)", "prior_corrected": "prior-corrected"}
COLOURS = {"before": "#9ab8d6", "after": "#f2b56b", "retrained": "#c2453a"}


def draw(table: pd.DataFrame) -> Figure:
    """Held-out accuracy on the forgotten class in each scenario and state, one panel an aggregation.

    Over several seeds a bar is the mean, with a whisker for its interval. A line marks the conventional model on all
    data. What carries no information is marked as such.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    scenarios = dict(list(table.groupby(["classes", "leakage", "scope"], sort=False)))
    for axes, (aggregation, title) in zip(figure.subplots(1, len(SHOWN), sharey=True), SHOWN.items(), strict=True):
        for place, rows in enumerate(scenarios.values()):
            draw_scenario(axes, place, rows, aggregation)
        axes.set_xticks(range(len(scenarios)), [label(*key) for key in scenarios])
        axes.set_title(title)
        axes.set_ylim(0, 105)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("forgotten class, held-out accuracy, %")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def label(classes: int, leakage: str, scope: str) -> str:
    return f"{classes} classes\n{leakage}" + ("" if scope == Scenario.scope else f"\n{scope} copies")


def draw_scenario(axes, place: int, rows: pd.DataFrame, aggregation: str) -> None:
    width = 0.26
    for number, state in enumerate(STATES[:3]):
        shares = rows.loc[(rows["state"] == state) & (rows["aggregation"] == aggregation), "forgotten"]
        share, half_width = interval(shares)
        where = place + (number - 1) * width
        if pd.isna(share):
            axes.annotate("undecided", (where, 1), rotation=90, ha="center", fontsize=8, color="grey")
            continue
        whisker = None if pd.isna(half_width) else half_width * 100
        bar = axes.bar(where, share * 100, width * 0.92, yerr=whisker, color=COLOURS[state], label=state)
        axes.bar_label(bar, fmt="%.0f", fontsize=8, label_type="center" if share > 0.1 else "edge")
    full = rows.loc[rows["state"] == "baseline_full", "forgotten"].mean() * 100
    axes.plot(
        [place - 0.42, place + 0.42], [full, full], color="black", linewidth=1, label="conventional model, all data"
    )
