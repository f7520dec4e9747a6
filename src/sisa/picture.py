"""The picture of a result table: how much of the forgotten class the ensemble still names."""

import pandas as pd
from matplotlib.figure import Figure

from sisa.results import STATES

SHOWN = {"mean_logits": "averaged logits (a member vetoes what it never saw)", "prior_corrected": "prior-corrected"}
COLOURS = {"before": "#9ab8d6", "after": "#f2b56b", "retrained": "#c2453a"}


def draw(table: pd.DataFrame) -> Figure:
    """Held-out accuracy on the forgotten class in each scenario and state, one panel an aggregation.

    A line marks the conventional model on all data. What carries no information is marked as such.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    scenarios = list(dict.fromkeys(zip(table["classes"], table["leakage"], strict=True)))
    for axes, (aggregation, title) in zip(figure.subplots(1, len(SHOWN), sharey=True), SHOWN.items(), strict=True):
        for place, (classes, leakage) in enumerate(scenarios):
            rows = table[(table["classes"] == classes) & (table["leakage"] == leakage)]
            draw_scenario(axes, place, rows, aggregation)
        axes.set_xticks(range(len(scenarios)), [f"{classes} classes\n{leakage}" for classes, leakage in scenarios])
        axes.set_title(title)
        axes.set_ylim(0, 105)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("forgotten class, held-out accuracy, %")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def draw_scenario(axes, place: int, rows: pd.DataFrame, aggregation: str) -> None:
    width = 0.26
    for number, state in enumerate(STATES[:3]):
        share = rows.loc[(rows["state"] == state) & (rows["aggregation"] == aggregation), "forgotten"].squeeze()
        where = place + (number - 1) * width
        if pd.isna(share):
            axes.annotate("undecided", (where, 1), rotation=90, ha="center", fontsize=8, color="grey")
            continue
        bar = axes.bar(where, share * 100, width * 0.92, color=COLOURS[state], label=state)
        axes.bar_label(bar, fmt="%.0f", fontsize=8, label_type="center" if share > 0.1 else "edge")
    full = rows.loc[rows["state"] == "baseline_full", "forgotten"].squeeze() * 100
    axes.plot(
        [place - 0.42, place + 0.42], [full, full], color="black", linewidth=1, label="conventional model, all data"
    )
