"""What attacks found over the runs of a scenario: the AUC of each, and how it changes from state to state."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sisa.evaluation.intervals import Interval, interval, of_area

FIRST, LATER = "before", ("after", "retrained")
Name = tuple[str, str, str]  # attack, target, and origin of the images attacked


@dataclass(frozen=True)
class Attacked:
    """One run: metrics/attacks.json, and metrics/influence.csv by image, [images, AUCs], NaN where it has none."""

    attacks: dict
    influence: pd.DataFrame


@dataclass(frozen=True)
class Measured:
    """One AUC in R runs: areas [R], influence [R, n] of their images, and how many images are on each side."""

    areas: np.ndarray
    influence: np.ndarray
    images: int
    held_out: int

    @property
    def fewest(self) -> int:
        return min(self.images, self.held_out)


def areas(runs: list[Attacked]) -> list[dict]:
    """One row an AUC that all runs have, with its 95 % interval over runs and images; of a single run, over images."""
    return [
        row(name, each, "auc", each.areas, of_area(each.areas, each.influence, each.fewest))
        for name, each in measured(runs).items()
    ]


def changes(runs: list[Attacked]) -> list[dict]:
    """One row an AUC of a later state: how far it is above that of the same run before, with the 95 % interval of these
    paired differences over runs and images. Both states are asked about the same images.
    """
    found, rows = measured(runs), []
    for name, later in found.items():
        attack, target, origin = name
        first = found.get((attack, FIRST, origin))
        if target in LATER and first:
            differences = later.areas - first.areas
            moved = later.influence - first.influence
            rows.append(row(name, later, "change", differences, interval(differences, moved, later.fewest)))
    return rows


def measured(runs: list[Attacked]) -> dict[Name, Measured]:
    """The AUCs that all runs have. The images of all are in one order, with influence 0 where a run has not asked."""
    images = sorted(set().union(*(run.influence.index for run in runs)))
    moved = [run.influence.reindex(images).fillna(0.0) for run in runs]
    found = {}
    for column in runs[0].influence.columns:
        attack, target, origin = column.split("/")
        scores = [run.attacks.get(attack, {}).get(target, {}).get(origin, {}) for run in runs]
        if all(scores):
            found[attack, target, origin] = Measured(
                np.array([each["auc"] for each in scores]),
                np.array([each[column].to_numpy() for each in moved]),
                min(each["images"] for each in scores),
                min(each["held_out"] for each in scores),
            )
    return found


def row(name: Name, of: Measured, what: str, values: np.ndarray, found: Interval) -> dict:
    """`what` is the name of the mean; `each`: the value of each run, in their order."""
    return {
        **dict(zip(("attack", "target", "origin"), name, strict=True)),
        "runs": len(values),
        "images": of.images,
        "held_out": of.held_out,
        what: found.mean,
        "low": found.low,
        "high": found.high,
        "each": " ".join(f"{value:.3f}" for value in values),
    }
