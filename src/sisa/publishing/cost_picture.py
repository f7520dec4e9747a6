"""The picture of a simulation: what requests cost as they come in, and by the number of shards."""

from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

COLOURS = ("#1f6f9c", "#c2453a", "#5a9e4b", "#8a5aa8", "#c98a1b", "#4b4b4b")


def draw(curves: list[dict]) -> Figure:
    """Left, samples processed so far against requests; right, samples a request against shards, if they vary.

    Lines are simulated, the mean of the plays; dots are closed forms; dashes retrain one model on all that is left.
    """
    shards = list(dict.fromkeys(len(each["matrix"]) for each in curves))
    slices = list(dict.fromkeys(each["slices"] for each in curves))
    panels = 2 if len(shards) > 1 else 1
    figure = Figure(figsize=(5.6 * panels + 0.4, 4.4), layout="constrained")
    left, *right = np.ravel(figure.subplots(1, panels))
    cheapest = min(curves, key=lambda each: each["retraining"].sum())
    few = (shards[0], len(cheapest["matrix"]), shards[-1])
    shown = curves if len(curves) <= len(COLOURS) else [each for each in curves if len(each["matrix"]) in few]
    for colour, each in zip(cycle(COLOURS), shown, strict=False):
        draw_requests(left, each, colour)
    left.plot(*so_far(cheapest, cheapest["full"].mean(axis=0)), "--", color="black", label="full retraining")
    left.set(xlabel="requests", ylabel="samples processed so far", yscale="log", title="As requests come in")
    for axes in right:
        for colour, count in zip(cycle(COLOURS), slices, strict=False):
            draw_shards(axes, [each for each in curves if each["slices"] == count], colour)
        full = [by_shards(curves, count)["full"].sum(axis=1).mean() / curves[0]["requests"] for count in shards]
        axes.plot(shards, full, "--", color="black", label="full retraining")
        axes.set(xlabel="shards", ylabel="samples a request", xscale="log", yscale="log", title="By number of shards")
        axes.set_xticks(shards, map(str, shards), minor=False)
        axes.xaxis.set_minor_locator(NullLocator())
    for axes in (left, *right):
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def by_shards(curves: list[dict], shards: int) -> dict:
    return next(each for each in curves if len(each["matrix"]) == shards)


def slices_of(curve: dict) -> str:
    return f"{curve['slices']} slice{'s' if curve['slices'] > 1 else ''}"


def so_far(curve: dict, samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Requests carried out, and samples processed, after each batch."""
    done = np.minimum(np.arange(1, len(samples) + 1) * curve["batch"], curve["requests"])
    return done, samples.cumsum()


def draw_requests(axes: Axes, curve: dict, colour: str) -> None:
    label = f"{len(curve['matrix'])} shards, {slices_of(curve)}"
    axes.plot(*so_far(curve, curve["retraining"].mean(axis=0)), color=colour, label=label)
    if curve["closed_form"] is not None:
        done, samples = so_far(curve, curve["closed_form"])
        some = np.unique(np.linspace(0, len(done) - 1, 12).astype(int))
        axes.plot(done[some], samples[some], ".", color=colour)


def draw_shards(axes: Axes, curves: list[dict], colour: str) -> None:
    shards = [len(each["matrix"]) for each in curves]
    cost = [each["retraining"].sum(axis=1).mean() / each["requests"] for each in curves]
    axes.plot(shards, cost, color=colour, label=slices_of(curves[0]))
    known = [(len(c["matrix"]), c["closed_form"].sum() / c["requests"]) for c in curves if c["closed_form"] is not None]
    if known:
        axes.plot(*zip(*known, strict=True), ".", color=colour, label="closed form")
