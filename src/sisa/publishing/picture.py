"""The picture of a result table: what is left of the forgotten class, by its name and without a threshold."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sisa.scenarios.grid import Scenario

SHOWN = {"mean_logits": "averaged logits (a member vetoes what it never saw)", "prior_corrected": "prior-corrected"}
COLOURS = {"before": "#9ab8d6", "after": "#f2b56b", "retrained": "#c2453a"}
BASELINES = {"-": "conventional model, all data", ":": "conventional model that never saw the class"}
WIDTH = 0.26  # of a bar


def draw(table: pd.DataFrame) -> Figure:
    """What results/recognition has of each scenario and state, one column an aggregation: above, recall of the class as
    a bar and the share of others taken for it as a cross; below, its AUROC against the others.

    Over several runs they are means, and whiskers go from the lowest run to the highest. Lines mark the conventional
    models. What carries no information is marked as such.
    """
    figure = Figure(figsize=(11, 6.8), layout="constrained")
    scenarios = dict(list(table.groupby(["classes", "leakage", "scope"], sort=False)))
    panels = figure.subplots(2, len(SHOWN), sharex=True, sharey="row")
    for (recall, auroc), (aggregation, title) in zip(panels.T, SHOWN.items(), strict=True):
        for place, rows in enumerate(scenarios.values()):
            draw_recall(recall, place, rows, aggregation)
            draw_auroc(auroc, place, rows, aggregation)
        auroc.axhline(0.5, color="grey", linewidth=0.8, linestyle="--")
        auroc.set_xticks(range(len(scenarios)), [label(*key) for key in scenarios])
        recall.set_title(title)
        for axes in (recall, auroc):
            axes.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set(ylabel="held-out images of the class named, %", ylim=(0, 105))
    panels[1, 0].set(ylabel="AUROC of the class (0.5: chance)", ylim=(0, 1.03))
    unique = {
        label: handle for axes in panels[:, 0] for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=5, frameon=False)
    return figure


def label(classes: int, leakage: str, scope: str) -> str:
    return f"{classes} classes\n{leakage}" + ("" if scope == Scenario.scope else f"\n{scope} copies")


def in_state(rows: pd.DataFrame, state: str, aggregation: str) -> pd.DataFrame:
    return rows[(rows["state"] == state) & (rows["aggregation"] == aggregation)]


def whisker(values: pd.Series) -> list[list[float]] | None:
    """From the mean down to the lowest run, and up to the highest; none of a single run."""
    mean = values.mean()
    return [[mean - values.min()], [values.max() - mean]] if len(values) > 1 else None


def draw_recall(axes: Axes, place: int, rows: pd.DataFrame, aggregation: str) -> None:
    for number, state in enumerate(COLOURS):
        found, where = in_state(rows, state, aggregation), place + (number - 1) * WIDTH
        shares, taken = found["forgotten"] * 100, found["others_taken"] * 100
        if shares.isna().any() or shares.empty:
            axes.annotate("undecided", (where, 1), rotation=90, ha="center", fontsize=8, color="grey")
            continue
        style = {"color": COLOURS[state], "label": state, "error_kw": {"elinewidth": 1}}
        bar = axes.bar(where, shares.mean(), WIDTH * 0.92, yerr=whisker(shares), **style)
        axes.bar_label(bar, fmt="%.0f", fontsize=8, label_type="center" if shares.mean() > 10 else "edge")
        axes.plot(where, taken.mean(), "x", color="black", markersize=5, label="others taken for it")
    draw_baseline(axes, place, rows.loc[rows["state"] == "baseline_full", "forgotten"].mean() * 100, "-")


def draw_auroc(axes: Axes, place: int, rows: pd.DataFrame, aggregation: str) -> None:
    for number, state in enumerate(COLOURS):
        values = in_state(rows, state, aggregation)["forgotten_auroc"]
        if values.notna().all() and len(values):
            where = place + (number - 1) * WIDTH
            axes.errorbar(where, values.mean(), whisker(values), fmt="o", color=COLOURS[state], elinewidth=1, capsize=2)
    for state, style in {"baseline_full": "-", "baseline_retrained": ":"}.items():
        draw_baseline(axes, place, rows.loc[rows["state"] == state, "forgotten_auroc"].mean(), style)


def draw_baseline(axes: Axes, place: int, value: float, style: str) -> None:
    ends = [place - 0.42, place + 0.42]
    axes.plot(ends, [value, value], style, color="black", linewidth=1, label=BASELINES[style])
