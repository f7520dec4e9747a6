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
    """One row a place that a run has: the AUC with its 95 % interval over runs and images, of a single run over images,
    and `rates`, of all runs that have the place."""
    rows = []
    for place in places(runs):
        (each,) = measured(runs, place)
        found = of_area(each.areas, each.influence, each.fewest)
        of_place = [run[place] for run in runs if place in run]
        rows.append(row(place, each, "auc", each.areas, found) | rates(place, of_place))
    return rows


def changes(runs: list[Run]) -> list[dict]:
    """One row for each of PAIRS of a place: how far its AUC is above that of the same run in the other state, with the
    95 % interval of these paired differences over images and the runs that have both. The service is asked about the
    same images in both states.
    """
    rows = []
    for place in places(runs):
        attack, target, *rest = place
        for other in (other for state, other in PAIRS if state == target):
            if both := measured(runs, place, (attack, other, *rest)):
                later, first = both
                differences, moved = later.areas - first.areas, later.influence - first.influence
                found = interval(differences, moved, min(later.fewest, first.fewest))
                rows.append(row(place, later, "change", differences, found) | {"against": other})
    return rows


def places(runs: list[Run]) -> list[Place]:
    return list(dict.fromkeys(place for run in runs for place in run))


def measured(runs: list[Run], *places: Place) -> list[Measured]:
    """The AUC at each place, of the runs that have them all; nothing without such a run. The images of all these are in
    one order, with influence 0 where a run has not asked."""
    those = [run for run in runs if all(place in run for place in places)]
    moved = [[moves(run[place]) for run in those] for place in places]
    images = sorted(set().union(*(each for of_place in moved for each in of_place)))
    found = []
    for place, of_place in zip(places, moved, strict=True) if those else ():
        each = [run[place] for run in those]
        values = np.array([auc(scores.ins, scores.outs) for scores in each])
        influences = np.array([[by.get(image, 0.0) for image in images] for by in of_place])
        fewest = (min(len(np.unique(getattr(scores, side))) for scores in each) for side in ("in_images", "out_images"))
        found.append(Measured(values, influences, *fewest))
    return found


def moves(scores: Scores) -> dict[str, float]:
    return influence(scores.ins, scores.outs, scores.in_images, scores.out_images)


def rates(place: Place, runs: list[Scores]) -> dict[str, float]:
    """Shares of images found, over all runs, with 95 % intervals; absent are those that these images are too few for,
    and all where an image has several scores in a run.

    tpr_at_1_percent: found where at most 1 % of the others are taken for trained on, as `found_at`. epsilon:
    log(TPR / FPR), or that of the true negatives, whichever is larger, at the likelihood ratio 1, and its lower bound,
    by the ends of the intervals of both rates (Jagielski et al. 2020, section 4, without delta).
    """
    if any(len(np.unique(each.in_images)) < len(each.ins) for each in runs):
        return {}
    ins, outs, in_images, out_images = (
        np.concatenate([getattr(each, side) for each in runs]) for side in ("ins", "outs", "in_images", "out_images")
    )
    inside, outside = independent(in_images), independent(out_images)
    found: dict[str, float] = {}
    for name, share in FALSE_ALARMS.items():
        if int(len(outs) * share):
            low, rate, high = found_at(share, ins, outs, inside, outside)
            found |= {name: rate, f"{name}_low": low, f"{name}_high": high}
    if place[0] in RATIOS:
        true, false = share_of((ins > 0).mean(), inside), share_of((outs > 0).mean(), outside)
        least = max(odds(true[0], false[2]), odds(1 - false[2], 1 - true[0]), 0.0)
        most_likely = max(odds(true[1], false[1]), odds(1 - false[1], 1 - true[1]), 0.0)
        found |= {"epsilon_low": least} | ({"epsilon": most_likely} if np.isfinite(most_likely) else {})
    return found


def found_at(
    share: float, ins: np.ndarray, outs: np.ndarray, inside: float, outside: float
) -> tuple[float, float, float]:
    """The share of ins [m] above the threshold that at most `share` of outs [n] are above, and its 95 % interval at the
    threshold that exactly `share` of all such images would be above: the lower end, the share, the upper end.

    inside, outside: how many independent images stand behind ins and outs. That threshold is not known. It lies with
    97.5 % confidence between two of outs, those whose exact interval of false alarms holds `share`; the ends are those
    of the 97.5 % intervals of the shares found at the two. Both hold together with 95 % at least (Bonferroni).
    """
    confidence, count, ordered = (1 + CONFIDENCE) / 2, len(outs), np.sort(outs)[::-1]
    low, high = clopper_pearson(np.arange(count + 1) / count, outside, confidence)
    (possible,) = np.nonzero((low <= share) & (share <= high))
    fewest, most = possible[0], possible[-1]
    least = (ins >= ordered[fewest - 1]).mean() if fewest else 0.0
    largest = (ins > ordered[most]).mean() if most < count else 1.0
    rate = (ins > ordered[int(count * share)]).mean()
    ends = clopper_pearson(least, inside, confidence)[0], clopper_pearson(largest, inside, confidence)[1]
    return float(ends[0]), float(rate), float(ends[1])


def independent(images: np.ndarray) -> float:
    """How many independent images stand behind scores of images [n] str, of which some have several, from several runs:
    n if none has, and as few as if the scores of an image were equal (Kish 1965, section 5.4: n over the mean size of
    the cluster that a score is in).
    """
    sizes = np.unique(images, return_counts=True)[1]
    return float(len(images) ** 2 / (sizes**2).sum())


def share_of(rate: float, images: float) -> tuple[float, float, float]:
    """The lower end of the 95 % interval of a share of so many independent images, the share, and the upper end."""
    low, high = clopper_pearson(rate, images, CONFIDENCE)
    return float(low), float(rate), float(high)


def clopper_pearson(rate: np.ndarray | float, images: float, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the exact interval of shares, of a number of images that need not be whole (Clopper and Pearson 1934;
    Korn and Graubard 1998 for clusters)."""
    hits, side = np.asarray(rate) * images, (1 - confidence) / 2
    with np.errstate(invalid="ignore"):
        low = np.where(hits > 0, stats.beta.ppf(side, hits, images - hits + 1), 0.0)
        high = np.where(hits < images, stats.beta.ppf(1 - side, hits + 1, images - hits), 1.0)
    return low, high


def odds(part: float, whole: float) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(
            np.nan_to_num(np.log(np.float64(part) / np.float64(whole)), nan=0.0, posinf=np.inf, neginf=-np.inf)
        )


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
