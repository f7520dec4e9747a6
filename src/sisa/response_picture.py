"""The picture of the leakage response: the project's question, answered for each number of leaked images."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sisa.response import area_intervals, intervals

RED, BLUE, GREY = "#c2453a", "#1f6f9c", "#6b6b6b"


def draw(table: pd.DataFrame) -> Figure:
    """Four panels over the leaked images of each other class in a shard: knowledge, accuracy, attack and cost.

    table: a study of `response.studies`. Over several seeds a line is the mean, with whiskers for its interval.
    """
    figure = Figure(figsize=(10, 7), layout="constrained")
    knowledge, accuracy, attack, cost = figure.subplots(2, 2).flat
    for axes in (attack, cost):
        axes.set_xlabel("leaked images of each other class in a shard")

    knowledge.set_title("What the retrained ensemble still knows of the forgotten class")
    line(knowledge, table, "forgotten_before", GREY, "before", linestyle="--")
    line(knowledge, table, "forgotten_retrained", RED, "retrained")
    line(knowledge, table, "forgotten_retrained_averaged_logits", BLUE, "retrained, by averaged logits")
    line(knowledge, table, "others_taken_for_it", RED, "other classes taken for it", linestyle=":")

    accuracy.set_title("At what accuracy over all classes")
    line(accuracy, table, "overall_retrained", RED, "retrained")
    line(accuracy, table, "overall_retrained_averaged_logits", BLUE, "retrained, by averaged logits")
    line(accuracy, table, "overall_baseline_full", GREY, "conventional model, all data", linestyle="--")
    for axes in (knowledge, accuracy):
        axes.set(ylabel="held-out, %", ylim=(0, 105))

    attack.set(title="Whether leaked images can be told from held-out ones", ylabel="AUC of LiRA", ylim=(0.3, 1.02))
    for name, label, colour in (("lira_auc", "retrained", RED), ("lira_auc_reference", "exactly retrained", GREY)):
        value, low, high = area_intervals(table, name)
        whiskers(attack, value, (value - low, high - value), color=colour, label=label)
    attack.axhline(0.5, color="black", linewidth=0.8)

    cost.set_title("What forgetting costs, against retraining one model")
    shares = table[["leaked"]].assign(
        exact=table["samples_all"] / table["samples_full"], own=table["samples_dominant"] / table["samples_full"]
    )
    line(cost, shares, "exact", RED, "exactly, every copy")
    line(cost, shares, "own", BLUE, "in the shard of the class only")
    cost.axhline(100, color="black", linewidth=0.8)
    cost.set_ylim(bottom=0)
    cost.set_ylabel("samples processed, %")
    for axes in (knowledge, accuracy, attack, cost):
        axes.set_xticks(range(table["leaked"].nunique()), sorted(table["leaked"].unique()))
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(
            frameon=False,
            fontsize=9,
            ncols=2,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.1 if axes.get_xlabel() == "" else -0.2),
        )
    return figure


def line(axes: Axes, table: pd.DataFrame, name: str, colour: str, label: str, **style: str) -> None:
    """The shares of one column, in percent."""
    value, half_width = intervals(table, name)
    whiskers(axes, value * 100, half_width * 100, color=colour, label=label, **style)


def whiskers(axes: Axes, value: pd.Series, error: pd.Series | tuple, **style: str) -> None:
    axes.errorbar(range(len(value)), value, yerr=error, marker="o", markersize=5, capsize=3, elinewidth=1, **style)
