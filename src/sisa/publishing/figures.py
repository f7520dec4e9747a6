"""The pictures beside the result tables: what is left of a class, how it follows leakage, and what requests cost."""

from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from pandas.api.typing import DataFrameGroupBy

from sisa.base.files import beside
from sisa.evaluation.intervals import half_width
from sisa.publishing.metrics_table import BASELINE_FULL, BASELINE_RETRAINED, pick
from sisa.publishing.palette import COLOURS, GREY, LINES
from sisa.publishing.tables import AVERAGED
from sisa.scenarios.grid import Scenario
from sisa.unlearning.states import BEFORE, RETRAINED, RETRAINED_EXACT, STATES

BLUE, RED = LINES[0], COLOURS[RETRAINED]
SHOWN = {"mean_logits": "averaged logits (a member vetoes what it never saw)", "prior_corrected": "prior-corrected"}
BASELINES = {"-": "conventional model, all data", ":": "conventional model that never saw the class"}
WIDTH = 0.26  # of a bar


def save(figure: Figure, path: Path) -> None:
    """As PNG; the same figure gives the same bytes."""
    with beside(path) as part:
        figure.savefig(part, format="png", dpi=110, metadata={"Software": None})


def recognition(table: pd.DataFrame) -> Figure:
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
            draw_states(recall, auroc, place, rows, aggregation)
        auroc.axhline(0.5, color="grey", linewidth=0.8, linestyle="--")
        auroc.set_xticks(range(len(scenarios)), [label(*key) for key in scenarios])
        recall.set_title(title)
        for axes in (recall, auroc):
            axes.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set(ylabel="held-out images of the class named, %", ylim=(0, 105))
    panels[1, 0].set(ylabel="AUROC of the class (0.5: chance)", ylim=(0, 1.03))
    unique = {}
    for axes in panels[:, 0]:
        handles, labels = axes.get_legend_handles_labels()
        unique |= dict(zip(labels, handles, strict=True))
    figure.legend(unique.values(), unique.keys(), loc="outside lower center", ncols=5, frameon=False)
    return figure


LEVELS = {
    "none": "none:\nno class leaks",
    "neighbour": "neighbour: every\nclass into the next",
    "low": "low: cat into\nthe next shard",
    "high": "high: every class\ninto every shard",
}
KNOWN = {BEFORE: "before", RETRAINED: "retrained", BASELINE_RETRAINED: "one model that never saw it"}
FOUND = {  # of an attack: its targets
    "lira": {BEFORE: "before", RETRAINED: "retrained", RETRAINED_EXACT: "every copy forgotten"},
    "population": KNOWN,
}


def answer(recognition: pd.DataFrame, areas: pd.DataFrame) -> Figure:
    """What survives, in two panels over the leakage levels that were run at the most classes: is the class still known,
    and are the leaked copies still found? Means with 95 % intervals, by averaged logits, which answer at every level.

    recognition and areas: the files of results/ of one data set. The attack is LiRA if a level has it, else the
    population attack; a level without it says so.
    """
    most = recognition["classes"].max()
    study = {"classes": [most], "scope": Scenario.scope, "aggregation": (AVERAGED, "")}
    known, found = pick(recognition, **study), pick(areas, origin="leaked", **study)
    levels = {level: title for level, title in LEVELS.items() if level in set(known["leakage"])}
    attack = "lira" if "lira" in set(found["attack"]) else "population"
    found = pick(found, attack=attack)
    figure = Figure(figsize=(10, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for number, state in enumerate(KNOWN):
        for place, level in enumerate(levels):
            values = pick(known, state=state, leakage=level)["forgotten_auroc"].dropna()
            if len(values):
                wide = half_width(values) if len(values) > 1 else 0
                draw_point(left, place, number, state, values.mean(), min(wide, values.mean()), wide)
    for number, state in enumerate(FOUND[attack]):
        for place, level in enumerate(levels):
            for row in pick(found, target=state, leakage=level).itertuples():
                draw_point(right, place, number, state, row.auc, row.auc - row.low, row.high - row.auc)
    for place, level in enumerate(levels):
        if level not in set(found["leakage"]):
            right.annotate("no copy" if level == "none" else "not run", (place, 0.6), ha="center", fontsize=9)
    left.set(title="Is the class still known?", ylabel="AUROC of the class, held-out images", ylim=(0.3, 1.03))
    name = "LiRA" if attack == "lira" else "the population attack"
    right.set(title="Are the leaked copies still found?", ylabel=f"AUC of {name} on leaked images")
    for axes, names in ((left, KNOWN), (right, FOUND[attack])):
        axes.axhline(0.5, color="black", linewidth=0.8, linestyle="--")
        axes.annotate("guessing", (-0.45, 0.51), fontsize=9)
        axes.set_xticks(range(len(levels)), [*levels.values()], fontsize=9)
        axes.set_xlim(-0.5, len(levels) - 0.5)
        axes.spines[["top", "right"]].set_visible(False)
        handles = [
            Line2D([], [], marker="o", linestyle="", color=COLOURS[state], label=names[state]) for state in names
        ]
        axes.legend(
            handles=handles, frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=3
        )
    return figure


def draw_point(axes: Axes, place: int, number: int, state: str, value: float, down: float, up: float) -> None:
    where = place + (number - 1) * WIDTH
    axes.errorbar(where, value, [[down], [up]], fmt="o", color=COLOURS[state], capsize=3, markersize=7)


def label(classes: int, leakage: str, scope: str) -> str:
    return f"{classes} classes\n{leakage}" + ("" if scope == Scenario.scope else f"\n{scope} copies")


def whisker(values: pd.Series) -> list[list[float]] | None:
    """From the mean down to the lowest run, and up to the highest; none of a single run."""
    mean = values.mean()
    return [[mean - values.min()], [values.max() - mean]] if len(values) > 1 else None


def draw_states(recall: Axes, auroc: Axes, place: int, rows: pd.DataFrame, aggregation: str) -> None:
    for number, state in enumerate(STATES):
        found, where = pick(rows, state=state, aggregation=aggregation), place + (number - 1) * WIDTH
        shares, taken, areas = found["forgotten"] * 100, found["others_taken"] * 100, found["forgotten_auroc"]
        if areas.notna().all() and len(areas):
            style = {"fmt": "o", "color": COLOURS[state], "elinewidth": 1, "capsize": 2}
            auroc.errorbar(where, areas.mean(), whisker(areas), **style)
        if shares.isna().any() or shares.empty:
            recall.annotate("undecided", (where, 1), rotation=90, ha="center", fontsize=8, color="grey")
            continue
        style = {"color": COLOURS[state], "label": state, "error_kw": {"elinewidth": 1}}
        bar = recall.bar(where, shares.mean(), WIDTH * 0.92, yerr=whisker(shares), **style)
        recall.bar_label(bar, fmt="%.0f", fontsize=8, label_type="center" if shares.mean() > 10 else "edge")
        recall.plot(where, taken.mean(), "x", color="black", markersize=5, label="others taken for it")
    draw_baseline(recall, place, pick(rows, state=BASELINE_FULL)["forgotten"].mean() * 100, "-")
    for state, dashes in {BASELINE_FULL: "-", BASELINE_RETRAINED: ":"}.items():
        draw_baseline(auroc, place, pick(rows, state=state)["forgotten_auroc"].mean(), dashes)


def draw_baseline(axes: Axes, place: int, value: float, style: str) -> None:
    ends = [place - 0.42, place + 0.42]
    axes.plot(ends, [value, value], style, color="black", linewidth=1, label=BASELINES[style])


RESPONSE = {  # title: scale, limits, what to compare with, and of each column its colour, label and dashes
    "Held-out images of the forgotten class named, %": (100, (-3, 105), None, {
        "forgotten_before": (GREY, "before", "--"),
        "forgotten_retrained": (RED, "retrained", "-"),
        "others_taken": (RED, "others taken for it", ":"),
        "forgotten_retrained_averaged_logits": (BLUE, "retrained, averaged logits", "-"),
        "others_taken_averaged_logits": (BLUE, "others taken, averaged logits", ":"),
    }),
    "The class told from others, no threshold: AUROC": (1, (0.25, 1.03), 0.5, {
        "forgotten_auroc": (RED, "retrained", "-"),
        "forgotten_auroc_averaged_logits": (BLUE, "retrained, averaged logits", "-"),
        "forgotten_auroc_baseline_retrained": (GREY, "control: never saw the class", ":"),
    }),
    "Leaked told from held-out images: AUC of an attack": (1, (0.25, 1.03), 0.5, {
        "population_before": (GREY, "before", "--"),
        "population_retrained": (RED, "retrained", "-"),
        "population_baseline_retrained": (GREY, "control: never trained on them", ":"),
    }),
    "Cost of forgetting, % of retraining one model": (100, (0, None), 100, {
        "samples_all": (RED, "exactly, every copy", "-"),
        "samples_dominant": (BLUE, "in the shard of the class only", "-"),
    }),
}  # fmt: skip


def response(table: pd.DataFrame) -> Figure:
    """Four panels over the leaked images of each other class in a shard: knowledge by name and without a threshold,
    attack, and cost. table: a file of results/response."""
    figure = Figure(figsize=(10, 7.4), layout="constrained")
    cost = {name: table[name] / table["samples_full"] for name in ("samples_all", "samples_dominant")}
    by_leaked = table.assign(**cost).groupby("leaked")
    for place, (axes, (title, panel)) in enumerate(zip(figure.subplots(2, 2).flat, RESPONSE.items(), strict=True)):
        draw_response(axes, by_leaked, *panel)
        axes.set(title=title, xlabel="leaked images of each other class in a shard" if place > 1 else "")
        below = (0.5, -0.2 if place > 1 else -0.1)
        axes.legend(frameon=False, fontsize=9, ncols=2, loc="upper center", bbox_to_anchor=below)
    return figure


def draw_response(
    axes: Axes, by_leaked: DataFrameGroupBy, scale: int, limits: tuple, level: float | None, lines: dict
) -> None:
    """Of each column a line through the means, and each run as a dot."""
    for name, (colour, label, dashes) in lines.items():
        values = by_leaked[name]
        axes.plot(range(values.ngroups), values.mean() * scale, color=colour, label=label, linestyle=dashes)
        axes.plot(values.ngroup(), values.obj * scale, "o", color=colour, markersize=3, alpha=0.6)
    if level is not None:
        axes.axhline(level, color="black", linewidth=0.8)
    axes.set(ylim=limits, xlim=(-0.4, by_leaked.ngroups - 0.6))
    axes.set_xticks(range(by_leaked.ngroups), by_leaked.groups)
    axes.spines[["top", "right"]].set_visible(False)


def cost(curves: list[dict]) -> Figure:
    """Left, samples processed so far against requests; right, samples a request against shards, if they vary.

    curves: what `commands.simulate` has played. Lines are simulated, the mean of the plays; dots are closed forms;
    dashes retrain one model on all that is left.
    """
    table = pd.DataFrame([a_request(each) for each in curves])
    shards = list(table["shards"].unique())
    panels = 2 if len(shards) > 1 else 1
    figure = Figure(figsize=(5.6 * panels + 0.4, 4.4), layout="constrained")
    left, *right = np.ravel(figure.subplots(1, panels))
    cheapest = min(curves, key=lambda each: each["retraining"].sum())
    few = (shards[0], len(cheapest["matrix"]), shards[-1])
    shown = curves if len(curves) <= len(LINES) else [each for each in curves if len(each["matrix"]) in few]
    for colour, each in zip(cycle(LINES), shown, strict=False):
        draw_requests(left, each, colour)
    left.plot(*so_far(cheapest, cheapest["full"].mean(axis=0)), "--", color="black", label="full retraining")
    left.set(xlabel="requests", ylabel="samples processed so far", yscale="log", title="As requests come in")
    for axes in right:
        for colour, (count, rows) in zip(cycle(LINES), table.groupby("slices", sort=False), strict=False):
            axes.plot(rows["shards"], rows["retraining"], color=colour, label=slices_in_words(count))
            if len(known := rows.dropna()):
                axes.plot(known["shards"], known["closed_form"], ".", color=colour, label="closed form")
        axes.plot(shards, table.drop_duplicates("shards")["full"], "--", color="black", label="full retraining")
        axes.set(xlabel="shards", ylabel="samples a request", xscale="log", yscale="log", title="By number of shards")
        axes.set_xticks(shards, map(str, shards), minor=False)
        axes.xaxis.set_minor_locator(NullLocator())
    for axes in (left, *right):
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def a_request(curve: dict) -> dict:
    """The samples of one request, by shards and slices: means of the plays, and in closed form, if there is one."""
    means = {name: curve[name].sum(axis=1).mean() / curve["requests"] for name in ("retraining", "full")}
    closed_form = None if curve["closed_form"] is None else curve["closed_form"].sum() / curve["requests"]
    return {"shards": len(curve["matrix"]), "slices": curve["slices"], **means, "closed_form": closed_form}


def slices_in_words(count: int) -> str:
    return f"{count} slice{'s' if count > 1 else ''}"


def so_far(curve: dict, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Requests carried out, and samples processed, after each batch."""
    done = np.minimum(np.arange(1, len(samples) + 1) * curve["batch"], curve["requests"])
    return done, samples.cumsum()


def draw_requests(axes: Axes, curve: dict, colour: str) -> None:
    label = f"{len(curve['matrix'])} shards, {slices_in_words(curve['slices'])}"
    axes.plot(*so_far(curve, curve["retraining"].mean(axis=0)), color=colour, label=label)
    if curve["closed_form"] is not None:
        done, samples = so_far(curve, curve["closed_form"])
        some = np.unique(np.linspace(0, len(done) - 1, 12).astype(int))
        axes.plot(done[some], samples[some], ".", color=colour)
