"""One answer from many members: the aggregations.

Each takes logits [M, n, K] float64 of M members for n images over K classes, the members' training counts [M, K]
of images of each class, and the loss that the members were trained with. Each returns scores [n, K]; the highest wins.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sisa.base.elementary import exp, log, softmax
from sisa.base.errors import BadInput
from sisa.base.params import Train

UNDECIDED = -1
TEMPERATURE = 0.5
MORE = 20  # images of each class, by which priors are shrunk


class Loss(NamedTuple):
    """What the members' loss does to their logits, besides making them right, from 0 to 1: the strength of the logit
    adjustment (Menon et al. 2021, equation 10), and the label smoothing (Szegedy et al. 2016, section 7).
    """

    adjustment: float
    smoothing: float


def loss_of(recipe: Train) -> Loss:
    return Loss(recipe.logit_adjustment, recipe.label_smoothing)


def mean_logits(logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray:
    """The mean of the members' logits, as in the notebooks. A member vetoes the classes that it never saw."""
    return logits.mean(axis=0)


def mean_probabilities(logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray:
    """The mean of the members' softmax outputs."""
    return softmax(logits).mean(axis=0)


def majority_vote(logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray:
    """The class that most members name (Bourtoule et al. 2021, section IV-C); ties: the higher mean probability."""
    votes = np.eye(logits.shape[-1])[logits.argmax(axis=-1)].sum(axis=0)
    return votes + softmax(logits).mean(axis=0) / 2  # half a vote can break a tie but not outvote


def prior_corrected(logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray:
    """Pairwise comparison by the members that can compare, each freed of its own class prior.

    With c_m the `log_ratios` of member m and n its counts, the evidence differences of the members that saw both
    classes i, j are averaged, weighted by the images of the pair that they saw, w_m = n_mi + n_mj:

        d_ij = sum_m w_m (c_mi - c_mj) / sum_m w_m
        score_i = sum over j != i of sigmoid(d_ij / T)

    where a pair that no member saw both of counts 1/2. A class that no member saw scores -inf. A member thus abstains
    on the classes that it never saw, instead of vetoing them. Summing pairwise probabilities: Hastie and Tibshirani
    1998, equation 3. The weights, and T = 1/2, were chosen on validation images with an earlier recipe; with the
    present ones T = 1 does as well (benchmarks/aggregations.py).
    """
    scores = pairwise(logits, counts, loss).sum(axis=2) - 0.5  # less the class's comparison with itself
    return np.where(counts.any(axis=0), scores, -np.inf)


def log_ratios(logits: np.ndarray, counts: np.ndarray, loss: Loss, more: float = MORE) -> np.ndarray:
    """How much more probable each member finds each class than the class is in its shard: log(p / pi) [M, n, K].

    Of a member that saw k of the K classes, n images of each: z are the logits, t the adjustment and e the smoothing of
    its loss. The softmax s of z + t · log(n / sum n), over these k classes, is the smoothed label that an image has on
    average where the loss is least: s · (1 - e + k · e / K) = (1 - e) · p + e / K. This gives p. To take the prior out
    of the logits alone (Menon et al. 2021, equation 9) is right without smoothing. With it, no class gets less than
    e / K, which is more than the share of a class with few copies, so that every image would speak for that class.

    pi is (n + more) / sum (n + more): from few images a member learns too little of a class to name it by its share,
    so priors are shrunk towards each other (additive smoothing). p / pi is at least e / 10, for s cannot be told from
    e / K there. `more`, and undoing the smoothing, were chosen on validation images: benchmarks/aggregations.py.
    """
    seen = counts > 0
    posterior = logits + loss.adjustment * log_share(counts, 0)
    likely = softmax(np.where(seen[:, None, :], posterior, np.finfo(float).min))
    uniform = loss.smoothing / counts.shape[1]
    kept = 1 - loss.smoothing + seen.sum(axis=1)[:, None, None] * uniform
    p = (likely * kept - uniform) / (1 - loss.smoothing)
    least = max(loss.smoothing / 10, np.finfo(float).tiny)
    return log(np.maximum(p / exp(log_share(counts, more)), least))


def log_share(counts: np.ndarray, more: float) -> np.ndarray:
    """The logarithm of each class's share of a member's images [M, 1, K], with `more` more of each; 0 if unseen."""
    of_class = np.where(counts > 0, counts + more, 0)
    total = np.maximum(of_class.sum(axis=1, keepdims=True), 1)
    return log(np.where(counts > 0, of_class / total, 1))[:, None, :]


def pairwise(logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray:
    """The probability [n, K, K] that an image is of class i rather than j, by the members that saw both; else 1/2."""
    found = log_ratios(logits, counts, loss)
    both = (counts[:, :, None] > 0) & (counts[:, None, :] > 0)
    weight = np.where(both, counts[:, :, None] + counts[:, None, :], 0) / max(counts.sum(), 1)
    total, difference = weight.sum(axis=0), np.zeros((logits.shape[1], *weight.shape[1:]))
    for each, ratios in zip(weight, found, strict=True):  # in order: einsum adds in another on each processor
        difference += each * (ratios[:, :, None] - ratios[:, None, :])
    return 1 / (1 + exp(-difference / np.where(total > 0, total, 1) / TEMPERATURE))


AGGREGATIONS = {rule.__name__: rule for rule in (prior_corrected, mean_logits, mean_probabilities, majority_vote)}


def rule(name: str) -> Callable[[np.ndarray, np.ndarray, Loss], np.ndarray]:
    """The aggregation of this name. Raises BadInput where there is none."""
    if name not in AGGREGATIONS:
        raise BadInput(f"aggregation is {name!r}; choose one of {', '.join(AGGREGATIONS)}")
    return AGGREGATIONS[name]


def predict(aggregation: str, logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray:
    """The winning class of each image, [n] int64. Ties go to the first class in class order.

    UNDECIDED (-1) everywhere if there is no member, or if `prior_corrected` has not one candidate class but several
    or none, and no member that saw any two of them: then nothing speaks for one class over another.
    """
    if undecided(aggregation, logits, counts):
        return np.full(logits.shape[1], UNDECIDED)
    return rule(aggregation)(logits, counts, loss).argmax(axis=1)


def undecided(aggregation: str, logits: np.ndarray, counts: np.ndarray) -> bool:
    if aggregation != "prior_corrected" or len(logits) == 0:
        return len(logits) == 0
    alone = counts.any(axis=0).sum() == 1  # only one class to name
    return bool(not alone and ((counts > 0).sum(axis=1) <= 1).all())


def probabilities(aggregation: str, logits: np.ndarray, counts: np.ndarray, loss: Loss) -> np.ndarray | None:
    """What the ensemble believes of each image, [n, K] float64 with rows of sum 1; None where `predict` is undecided.

    The softmax of `mean_logits`; `mean_probabilities` as they are; the shares of the votes, broken ties included; for
    `prior_corrected` the coupling of its pairwise probabilities, 0 for a class that no member saw.
    """
    if undecided(aggregation, logits, counts):
        return None
    if aggregation == "prior_corrected":
        seen = counts.any(axis=0)
        believed = np.zeros(logits.shape[1:])
        believed[:, seen] = couple(pairwise(logits, counts, loss)[:, seen][:, :, seen])
        return believed
    scores = rule(aggregation)(logits, counts, loss)
    return softmax(scores) if aggregation == "mean_logits" else scores / scores.sum(axis=1, keepdims=True)


def couple(chance: np.ndarray) -> np.ndarray:
    """Class probabilities [n, k] from pairwise ones [n, k, k]: Wu, Lin and Weng 2004, second method (equation 19).

    p minimizes the sum over i, j of (r_ji p_i - r_ij p_j)^2. As in LIBSVM, r stays 1e-7 off 0 and 1. Rounded to 12
    decimals, which solvers have in common.
    """
    r = np.clip(chance, 1e-7, 1 - 1e-7)
    k = r.shape[1]
    off = ~np.eye(k, dtype=bool)
    system = np.ones((len(r), k + 1, k + 1))
    system[:, :k, :k] = np.where(off, -r * r.swapaxes(1, 2), 0)
    system[:, range(k), range(k)] = (np.where(off, r, 0) ** 2).sum(axis=1)  # column i: r_ji over j
    system[:, k, k] = 0
    return np.linalg.solve(system, np.eye(k + 1)[:, k:])[:, :k, 0].round(12)
