"""KLoM, how far what services answer after forgetting is from what services answer that never saw the forgotten images.

KL divergence of Margins: Georgiev et al. 2024, "Attribute-to-Delete: Machine Unlearning via Datamodel Matching",
section E.1. It compares distributions over training runs, image by image, so that a service that merely has other seeds
is at the distance of the *floor*, and only what is above it says that something was left.
"""

from dataclasses import dataclass

import numpy as np

from sisa.base.elementary import log
from sisa.data.images import one_of
from sisa.evaluation.scoring import EvaluationSet, Predictions
from sisa.inference.odds import log_odds
from sisa.inference.outputs import HELD_OUT, TRAINING, Asked
from sisa.unlearning.forget_set import ForgetSet

BINS, LEAST = 20, 1e-5  # of the histogram, and of a share in the oracles' where the other has one
RELABELLINGS = 199
CONFIDENCE = 0.95
SETS = (HELD_OUT, TRAINING)


@dataclass(frozen=True)
class Services:
    """What the three kinds of services predict, N of each: those after forgetting, the oracles, which were trained
    without any copy of a forgotten image, and as many trained like the oracles with other seeds.
    """

    ours: list[Predictions]
    oracles: list[Predictions]
    again: list[Predictions]


def scores(services: Services, on: EvaluationSet, origins: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """By origin of the images (masks [n] bool over the images of SETS): klom and floor, the mean divergences of ours
    and of `again` from the oracles, in nats; their difference, the excess, with its 95 % interval, low to high, over
    services; and how many images that is over.

    Empty where a service is undecided. Images of a class that some service gives probability 0 for every image are left
    out, for a mask would be compared; an origin of which no image is left is absent.

    The interval reaches as far to each side as the excess may be by chance: the services of ours and of `again` get the
    two labels at random, RELABELLINGS times, and 95 % of these excesses are no further from 0. Where ours are as if
    trained without the images, labels mean nothing, so that the interval holds 0 in 95 %. Off 0 it is approximate. A
    t interval over images would take these as independent, but all are asked of the same N services:
    tests/unit/evaluation/test_klom.py simulates what comes of it.

    All three kinds share the bins of an image, so that klom and floor are of one resolution. In the authors' code the
    bins reach over the two that are compared.
    """
    kinds = (services.ours, services.oracles, services.again)
    if not all(kinds) or any(undecided(each) for kind in kinds for each in kind):
        return {}
    ours, oracles, again = (np.array([margins(each, on) for each in kind]) for kind in kinds)
    named = ~np.isnan([*ours, *oracles, *again]).any(axis=0)
    masks = {name: mask[named] for name, mask in origins.items() if (mask & named).any()}
    ours, oracles, again = binned(ours[:, named], oracles[:, named], again[:, named])
    far, floor = divergence(ours, oracles), divergence(again, oracles)
    by_chance = excesses_by_chance(ours, again, oracles, [*masks.values()])
    found = {}
    for (name, mask), chance in zip(masks.items(), by_chance.T, strict=True):
        klom, least = float(far[mask].mean()), float(floor[mask].mean())
        half = float(np.sort(np.abs(chance))[int(np.ceil(CONFIDENCE * (RELABELLINGS + 1))) - 1])
        excess = klom - least
        ends = {"low": excess - half, "high": excess + half}
        found[name] = {"klom": klom, "floor": least, "excess": excess, **ends, "images": int(mask.sum())}
    return found


def undecided(service: Predictions) -> bool:
    return any(service[which].probabilities is None for which in SETS)


def margins(service: Predictions, on: EvaluationSet) -> np.ndarray:
    """The log-odds of the actual class [n], over the images of SETS: log p less the log of the sum of the others, which
    of a softmax is the logit less the logsumexp of the others. NaN for a class that the service gives 0 throughout.
    Within 28 of 0 (odds.SMALLEST), so that the clip at 100 in the authors' code would do nothing.
    """
    actual = np.concatenate([on.actual[which] for which in SETS])
    believed = np.concatenate([service[which].probabilities for which in SETS])
    found = np.full(len(actual), np.nan)
    for number in np.flatnonzero(believed.any(axis=0)):
        rows = actual == number
        found[rows] = log_odds(believed[rows], number)
    return found


def binned(*kinds: np.ndarray) -> list[np.ndarray]:
    """Which of BINS equal bins each margin [N, n] is in, [N, n] int64; an image's bins reach from the lowest to the
    highest of all its margins. The highest is in the last bin; in the authors' code it is in none.
    """
    every = np.concatenate(kinds)
    lowest, span = every.min(axis=0), np.ptp(every, axis=0)
    width = np.where(span > 0, span, 1) / BINS
    return [np.minimum(((each - lowest) / width).astype(int), BINS - 1) for each in kinds]


def divergence(ours: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """KL(ours || reference) in nats of each image [n], of the bins [N, n] and [N, n] that as many services are in.

    Where ours has a share and the reference none, LEAST takes its place, and the reference is scaled to the sum 1: as
    in the authors' code, github.com/RoyRin/data-unlearning-bench, src/eval.py.
    """
    p, q = histogram(ours), histogram(reference)
    shares = np.arange(len(ours) + 1) / len(ours)
    terms = np.zeros((len(shares), len(shares)))  # by how many of ours and of the reference are in a bin
    terms[1:] = shares[1:, None] * (log(shares[1:])[:, None] - log(np.maximum(shares, LEAST)))
    return terms[p, q].sum(axis=1) + log(1 + LEAST * ((p > 0) & (q == 0)).sum(axis=1))


def histogram(bins: np.ndarray) -> np.ndarray:
    """How many services are in each bin of each image, [n, BINS] int64."""
    images = np.arange(bins.shape[1])
    return np.bincount((images * BINS + bins).ravel(), minlength=len(images) * BINS).reshape(-1, BINS)


def excesses_by_chance(ours: np.ndarray, again: np.ndarray, oracles: np.ndarray, masks: list[np.ndarray]) -> np.ndarray:
    """The excess [RELABELLINGS, masks] over each mask's images, of services' bins [N, n] labelled at random."""
    generator, every, count = np.random.default_rng(0), np.concatenate([ours, again]), len(ours)
    found = []
    for _ in range(RELABELLINGS):
        order = generator.permutation(len(every))
        far, floor = (divergence(every[half], oracles) for half in (order[:count], order[count:]))
        found.append([float((far - floor)[mask].mean()) for mask in masks])
    return np.array(found).reshape(RELABELLINGS, len(masks))


def origins(asked: dict[str, Asked], forget_set: ForgetSet) -> dict[str, np.ndarray]:
    """Where the images of SETS are from, masks [n] bool: forgotten ones that were in one shard (`dominant`) and in
    several (`leaked`), `retained` ones, and held-out ones of the forgotten classes and of the others.
    """
    ids = np.concatenate([asked[which].ids for which in SETS])
    held_out = np.repeat([True, False], [len(asked[which].ids) for which in SETS])
    of_class = one_of(np.concatenate([asked[which].classes for which in SETS]), forget_set.classes)
    forgotten, leaked = (one_of(ids, each) & ~held_out for each in (forget_set.ids, forget_set.leaked))
    return {
        "dominant": forgotten & ~leaked,
        "leaked": leaked,
        "retained": ~forgotten & ~held_out,
        "held_out_forgotten": held_out & of_class,
        "held_out_others": held_out & ~of_class,
    }
