"""What attacks found over the independent runs of a scenario: areas under the ROC curve, how these change from state to
state, and how many images are found at few false alarms.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from sisa.attacks.scores import PLACE, Place, Scores
from sisa.evaluation.intervals import CONFIDENCE, Interval, interval, of_area
from sisa.evaluation.roc import auc, influence
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED, RETRAINED_EXACT

Run = dict[Place, Scores]
PAIRS = ((AFTER, BEFORE), (RETRAINED, BEFORE), (RETRAINED, RETRAINED_EXACT))  # a state, and what it is compared with
FALSE_ALARMS = {"tpr_at_1_percent": 0.01, "tpr_at_0.1_percent": 0.001}
RATIOS = ("lira", "lira_difference")  # attacks whose scores are likelihood ratios, with a threshold of their own: 0


@dataclass(frozen=True)
class Measured:
    """One AUC in R runs: areas [R], influence [R, n] of the images of all runs, and the fewest images on a side."""

    areas: np.ndarray
    influence: np.ndarray
    images: int
    held_out: int

    @property
    def fewest(self) -> int:
        return min(self.images, self.held_out)


def areas(runs: list[Run]) -> list[dict]:
    """One row a place that all runs have: the AUC with its 95 % interval over runs and images, of a single run over
    images, and `rates` over all runs."""
    rows = []
    for place, each in measured(runs).items():
        found = of_area(each.areas, each.influence, each.fewest)
        rows.append(row(place, each, "auc", each.areas, found) | rates(place, [run[place] for run in runs]))
    return rows


def changes(runs: list[Run]) -> list[dict]:
    """One row for each of PAIRS of a place: how far its AUC is above that of the same run in the other state, with the
    95 % interval of these paired differences over runs and images. Both states are asked about the same images.
    """
    found, rows = measured(runs), []
    for place, later in found.items():
        attack, target, *rest = place
        for other in (other for state, other in PAIRS if state == target):
            if first := found.get((attack, other, *rest)):
                differences, moved = later.areas - first.areas, later.influence - first.influence
                of_pair = row(place, later, "change", differences, interval(differences, moved, later.fewest))
                rows.append(of_pair | {"against": other})
    return rows


def measured(runs: list[Run]) -> dict[Place, Measured]:
    """The AUCs that all runs have. The images of all are in one order, with influence 0 where a run has not asked."""
    places = [place for place in runs[0] if all(place in run for run in runs)]
    moved = {place: [moves(run[place]) for run in runs] for place in places}
    images = sorted(set().union(*(each for of_runs in moved.values() for each in of_runs)))
    return {
        place: Measured(
            np.array([auc(run[place].ins, run[place].outs) for run in runs]),
            np.array([[each.get(image, 0.0) for image in images] for each in moved[place]]),
            min(len(np.unique(run[place].in_images)) for run in runs),
            min(len(np.unique(run[place].out_images)) for run in runs),
        )
        for place in places
    }


def moves(scores: Scores) -> dict[str, float]:
    return influence(scores.ins, scores.outs, scores.in_images, scores.out_images)


def rates(place: Place, runs: list[Scores]) -> dict[str, float]:
    """Shares of images found, over all runs, with exact 95 % intervals (Clopper and Pearson 1934); absent are those
    that these images are too few for, and all where an image has several scores in a run.

    tpr_at_1_percent: found where at most 1 % of the others are taken for trained on. epsilon: log(TPR / FPR), or that
    of the true negatives, whichever is larger, at the likelihood ratio 1, and its lower bound, by the ends of the
    intervals of both rates (Jagielski et al. 2020, section 4, without delta). No differential privacy with a smaller
    epsilon holds. An image that two runs ask about counts in both: they drew and trained it anew.
    """
    if any(len(np.unique(each.in_images)) < len(each.ins) for each in runs):
        return {}
    ins, outs = (np.concatenate([getattr(each, side) for each in runs]) for side in ("ins", "outs"))
    found: dict[str, float] = {}
    for name, share in FALSE_ALARMS.items():
        if allowed := int(len(outs) * share):
            low, rate, high = share_of(ins > np.sort(outs)[::-1][allowed])
            found |= {name: rate, f"{name}_low": low, f"{name}_high": high}
    if place[0] in RATIOS:
        true, false = share_of(ins > 0), share_of(outs > 0)
        least = max(odds(true[0], false[2]), odds(1 - false[2], 1 - true[0]), 0.0)
        most_likely = max(odds(true[1], false[1]), odds(1 - false[1], 1 - true[1]), 0.0)
        found |= {"epsilon_low": least} | ({"epsilon": most_likely} if np.isfinite(most_likely) else {})
    return found


def odds(part: float, whole: float) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(
            np.nan_to_num(np.log(np.float64(part) / np.float64(whole)), nan=0.0, posinf=np.inf, neginf=-np.inf)
        )


def share_of(hits: np.ndarray) -> tuple[float, float, float]:
    """The lower end, the share of hits [n] bool, and the upper end."""
    ends = stats.binomtest(int(hits.sum()), len(hits)).proportion_ci(CONFIDENCE, "exact")
    return float(ends.low), float(hits.mean()), float(ends.high)


def row(place: Place, of: Measured, what: str, values: np.ndarray, found: Interval) -> dict:
    """`what` is the name of the mean; `each`: the value of each run, in their order."""
    return {
        **dict(zip(PLACE, place, strict=True)),
        "runs": len(values),
        "images": of.images,
        "held_out": of.held_out,
        what: found.mean,
        "low": found.low,
        "high": found.high,
        "each": " ".join(f"{value:.3f}" for value in values),
    }


def of_one_run(run: Run) -> dict:
    """Its rows, nested by attack, target, aggregation (none of one model) and origin, for a metrics file."""
    nested: dict = {}
    for found in areas([run]):
        *path, last = filter(None, [found.pop(name) for name in PLACE])
        inner = nested
        for name in path:
            inner = inner.setdefault(name, {})
        inner[last] = {name: value for name, value in found.items() if name not in ("runs", "each")}
    return nested
