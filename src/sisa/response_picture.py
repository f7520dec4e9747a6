"""The picture of the leakage response: the project's question, answered for each number of leaked images."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

RED, BLUE, GREY = "#c2453a", "#1f6f9c", "#6b6b6b"


def draw(table: pd.DataFrame) -> Figure:
    """Four panels over the leaked images of each other class in a shard: knowledge, accuracy, attack and cost.

    table: a study of `response.studies`. Over several seeds a line is the mean.
    """
    by_leaked = table.groupby("leaked").mean(numeric_only=True)
    figure = Figure(figsize=(10, 6.6), layout="constrained")
    knowledge, accuracy, attack, cost = figure.subplots(2, 2).flat
    places = range(len(by_leaked))
    for axes in (knowledge, accuracy, attack, cost):
        axes.set_xticks(places, by_leaked.index)
        axes.set_xlim(-0.3, len(places) - 0.7)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in (attack, cost):
        axes.set_xlabel("leaked images of each other class in a shard")

    percent = by_leaked * 100
    knowledge.set(title="What the retrained ensemble still knows of the forgotten class", ylim=(0, 105))
    line(knowledge, percent["forgotten_before"], GREY, "before", linestyle="--")
    line(knowledge, percent["forgotten_retrained"], RED, "retrained")
    line(knowledge, percent["forgotten_retrained_averaged_logits"], BLUE, "retrained, by averaged logits")
    line(knowledge, percent["others_taken_for_it"], RED, "other classes taken for it", linestyle=":")
    knowledge.set_ylabel("held-out accuracy, %")

    accuracy.set(title="At what accuracy over all classes", ylim=(0, 105))
    line(accuracy, percent["overall_retrained"], RED, "retrained")
    line(accuracy, percent["overall_retrained_averaged_logits"], BLUE, "retrained, by averaged logits")
    line(accuracy, percent["overall_baseline_full"], GREY, "conventional model, all data", linestyle="--")
    accuracy.set_ylabel("held-out accuracy, %")

    attack.set(title="Whether leaked images can be told from held-out ones", ylim=(0.4, 1.02))
    for name, label, colour in (("lira_auc", "retrained", RED), ("lira_auc_reference", "exactly retrained", GREY)):
        value, low, high = (by_leaked[column] for column in (name, f"{name}_low", f"{name}_high"))
        attack.errorbar(
            places, value, yerr=[value - low, high - value], color=colour, marker="o", capsize=3, label=label
        )
    attack.axhline(0.5, color="black", linewidth=0.8)
    attack.set_ylabel("AUC of LiRA")

    cost.set(title="What forgetting costs, against retraining one model")
    line(cost, percent["samples_all"] / by_leaked["samples_full"], RED, "exactly, every copy")
    line(cost, percent["samples_dominant"] / by_leaked["samples_full"], BLUE, "in the shard of the class only")
    cost.axhline(100, color="black", linewidth=0.8)
    cost.set_ylim(bottom=0)
    cost.set_ylabel("samples processed, %")
    for axes in (knowledge, accuracy, attack, cost):
        axes.legend(frameon=False, fontsize=9, loc="upper right" if axes is attack else "best")
    return figure


def line(axes: Axes, values: pd.Series, colour: str, label: str, **style: str) -> None:
    axes.plot(range(len(values)), values, color=colour, marker="o", label=label, **style)
