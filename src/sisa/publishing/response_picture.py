"""The picture of the leakage response: the project's question, answered for each number of leaked images."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

RED, BLUE, GREY = "#c2453a", "#1f6f9c", "#6b6b6b"


def draw(table: pd.DataFrame) -> Figure:
    """Four panels over the leaked images of each other class in a shard: knowledge by name and without a threshold,
    attack, and cost.

    table: a study of `response.studies`. A line goes through the means of the runs, and each run is a dot.
    """
    figure = Figure(figsize=(10, 7.4), layout="constrained")
    knowledge, auroc, attack, cost = figure.subplots(2, 2).flat
    for axes in (attack, cost):
        axes.set_xlabel("leaked images of each other class in a shard")

    knowledge.set_title("Held-out images of the forgotten class named, %")
    percent(knowledge, table, "forgotten_before", GREY, "before", linestyle="--")
    percent(knowledge, table, "forgotten_retrained", RED, "retrained")
    percent(knowledge, table, "others_taken", RED, "others taken for it", linestyle=":")
    percent(knowledge, table, "forgotten_retrained_averaged_logits", BLUE, "retrained, averaged logits")
    percent(knowledge, table, "others_taken_averaged_logits", BLUE, "others taken, averaged logits", linestyle=":")
    knowledge.set_ylim(-3, 105)

    auroc.set_title("The class told from others, no threshold: AUROC")
    line(auroc, table, "forgotten_auroc", RED, "retrained")
    line(auroc, table, "forgotten_auroc_averaged_logits", BLUE, "retrained, averaged logits")
    line(auroc, table, "forgotten_auroc_baseline_retrained", GREY, "control: never saw the class", linestyle=":")

    attack.set_title("Leaked told from held-out images: AUC of an attack")
    line(attack, table, "population_before", GREY, "before", linestyle="--")
    line(attack, table, "population_retrained", RED, "retrained")
    line(attack, table, "population_baseline_retrained", GREY, "control: never trained on them", linestyle=":")
    for axes in (auroc, attack):
        axes.axhline(0.5, color="black", linewidth=0.8)
        axes.set_ylim(0.25, 1.03)

    cost.set_title("Cost of forgetting, % of retraining one model")
    shares = table[["leaked"]].assign(
        exact=table["samples_all"] / table["samples_full"], own=table["samples_dominant"] / table["samples_full"]
    )
    percent(cost, shares, "exact", RED, "exactly, every copy")
    percent(cost, shares, "own", BLUE, "in the shard of the class only")
    cost.axhline(100, color="black", linewidth=0.8)
    cost.set_ylim(bottom=0)
    for axes in (knowledge, auroc, attack, cost):
        axes.set_xticks(range(table["leaked"].nunique()), sorted(table["leaked"].unique()))
        axes.set_xlim(-0.4, table["leaked"].nunique() - 0.6)
        axes.spines[["top", "right"]].set_visible(False)
        below = -0.1 if axes.get_xlabel() == "" else -0.2
        axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=(0.5, below))
    return figure


def percent(axes: Axes, table: pd.DataFrame, name: str, colour: str, label: str, **style: str) -> None:
    line(axes, table.assign(**{name: table[name] * 100}), name, colour, label, **style)


def line(axes: Axes, table: pd.DataFrame, name: str, colour: str, label: str, **style: str) -> None:
    """One column by number of leaked images: a line through the means, and each run as a dot."""
    by_leaked = table.groupby("leaked")[name]
    axes.plot(range(by_leaked.ngroups), by_leaked.mean(), color=colour, label=label, **style)
    axes.plot(by_leaked.ngroup(), table[name], "o", color=colour, markersize=3, alpha=0.6)
