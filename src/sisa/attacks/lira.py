"""LiRA on the service: which images it was trained on, by shadow ensembles of which this is known.

The attacker sees the service's probabilities by one aggregation, knows the other training images, the recipe and which
shards lose images, and trains shadow ensembles. The online attack of Carlini et al. 2022; after a request, with shadow
ensembles that went through the same forgetting, U-LiRA of Hayes et al. 2024.
"""

from collections.abc import Collection

import numpy as np

from sisa.attacks.scores import Place, Scores
from sisa.base.elementary import log
from sisa.data.images import CANARY, DOMINANT, LEAKED, Candidates
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import AGGREGATIONS, Loss
from sisa.inference import shadows
from sisa.inference.odds import log_odds
from sisa.inference.outputs import Asked, ModelOutputs
from sisa.inference.shadows import CANDIDATES
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED, RETRAINED_EXACT

FEWEST = 4  # shadow ensembles, so that without two twins each image is still inside one and outside another


def scores(
    candidates: Candidates,
    answered: shadows.Answered,
    asked: dict[str, Asked],
    members: dict[str, dict[str, ModelOutputs]],
    affected: Collection[str],
    actual: np.ndarray,
    loss: Loss,
) -> dict[Place, Scores]:
    """`lira` of each state and aggregation, and `lira_difference` of later states; higher: looks trained on.

    answered: what each shard's shadow members say of the candidates; members: those of the service by state, which were
    asked about the sets in `asked`; affected: the shards that lose images; actual [n] int64: the number of the class
    that each candidate is taught as.

    The scores are log-likelihood ratios of the log-odds of the class. ins are the candidates that the shards hold,
    outs their partners, by origin; if neither was trained on, they are exchangeable. The exactly retrained ensemble is
    attacked as if it were the retrained one. Of the difference, which an observer of the service before and later has
    (Chen et al. 2021), the ratio is that of the log-odds before less those later. A place is absent where there is no
    candidate, or where an ensemble answers with no probabilities, or with 0 throughout for a class of the candidates.
    """
    ensembles = shadows.by_state(answered, affected, len(candidates.dealt))
    service = {state: [about(candidates, asked, each) for each in those.values()] for state, those in members.items()}
    found = {}
    for name in AGGREGATIONS if len(candidates) else ():
        ours = {state: odds(name, those, actual, loss) for state, those in service.items()}
        theirs = {state: odds_of_all(name, each, actual, loss) for state, each in ensembles.items()}
        theirs[RETRAINED_EXACT] = theirs[RETRAINED]
        known = [state for state in ours if ours[state] is not None and theirs[state] is not None]
        for state in known:
            found |= of_service(("lira", state, name), ours[state], theirs[state], candidates)
            targets = ours[state][None] if state == RETRAINED_EXACT else theirs[state]
            found |= of_canaries(("lira", state, name), targets, theirs[state], candidates)
        for later in (AFTER, RETRAINED) if BEFORE in known else ():
            if later in known:
                changes = (each[BEFORE] - each[later] for each in (ours, theirs))
                found |= of_service(("lira_difference", later, name), *changes, candidates)
    return found


def about(candidates: Candidates, asked: dict[str, Asked], model: ModelOutputs) -> ModelOutputs:
    """What a model answered about the candidates, which are among the images that it was asked about."""
    ids = np.concatenate([images.ids for images in asked.values()])
    order = np.argsort(ids)
    rows = order[np.searchsorted(ids, candidates.ids, sorter=order)]
    return ModelOutputs({CANDIDATES: np.concatenate([model.logits[name] for name in asked])[rows]}, model.counts)


def odds(aggregation: str, members: list[ModelOutputs], actual: np.ndarray, loss: Loss) -> np.ndarray | None:
    """An ensemble's log-odds of the actual class [n] int64 of each candidate, [n] float64; None where it has none of
    some class.
    """
    if not members:
        return None
    shape = (len(actual), len(members[0].counts))
    believed = scoring.aggregated(aggregation, members, CANDIDATES, shape, loss).probabilities
    if believed is None or not believed.any(axis=0)[actual].all():
        return None
    return log_odds(believed, actual)


def odds_of_all(aggregation: str, ensembles: shadows.Ensembles, actual: np.ndarray, loss: Loss) -> np.ndarray | None:
    """Those of N ensembles, [N, n]; None where one of them has none, or where there is none."""
    each = [odds(aggregation, members, actual, loss) for members in ensembles]
    return None if any(one is None for one in each) or not each else np.array(each)


def of_service(
    place: tuple[str, str, str], target: np.ndarray, theirs: np.ndarray, candidates: Candidates
) -> dict[Place, Scores]:
    """What the target's log-odds [n] say against those of N shadow ensembles [N, n], by origin."""
    found, held = {}, candidates.held
    for origin in (LEAKED, DOMINANT):
        rows = candidates.origins == origin
        if rows.any():
            ratio = likelihood_ratio(target[rows], theirs[:, rows], candidates.dealt[:, rows])
            ins, outs = held[rows], ~held[rows]
            ids = candidates.ids[rows]
            found[*place, origin] = Scores(ratio[ins], ratio[outs], ids[ins], ids[outs])
    return found


def of_canaries(
    place: tuple[str, str, str], targets: np.ndarray, theirs: np.ndarray, candidates: Candidates
) -> dict[Place, Scores]:
    """The positive control: each target's log-odds [T, n] against those of the shadow ensembles [N, n] other than its
    own, the first target's own being the first, and than that one's twin.

    Shadow ensembles are targets themselves, each with the canaries dealt to it; the service holds no canary. The
    exactly retrained ensemble never saw one, and so is what exact forgetting would make of the first shadow ensemble.
    It is one target, not N: over all deals, of which each image is inside half, one and the same answer cannot have
    another AUC than 0.5. The twin is left out too, because the mean of seven ensembles that saw an image is less sure
    than that of eight that did not: this alone takes the AUC below 0.5 where there is nothing to find.
    """
    rows = candidates.origins == CANARY
    dealt, count = candidates.dealt[:, rows], len(theirs)
    if not rows.any() or count < FEWEST:
        return {}
    others = [np.arange(count) // 2 != number // 2 for number in range(len(targets))]
    ratio = np.array(
        [
            likelihood_ratio(target[rows], theirs[those][:, rows], dealt[those])
            for target, those in zip(targets, others, strict=True)
        ]
    )
    inside, ids = dealt[: len(targets)], np.broadcast_to(candidates.ids[rows], ratio.shape)
    return {(*place, CANARY): Scores(ratio[inside], ratio[~inside], ids[inside], ids[~inside])}


def likelihood_ratio(target: np.ndarray, shadows: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """The log-likelihood ratio [m] of having been trained on each image: LiRA, Carlini et al. 2022, equation 4.

    target [m]: the attacked model's log-odds of each image's class; shadows [N, m]: those of N models of the same
    recipe, of which inside [N, m] bool says which were trained on the image, at least one and not all. Normal
    distributions with one variance for all images on each side, as section VI-C advises for few shadow models.
    """
    sides = []
    for side in (inside, ~inside):
        mean = np.where(side, shadows, 0).sum(axis=0) / side.sum(axis=0)
        spread = np.sqrt(np.where(side, (shadows - mean) ** 2, 0).sum() / max(side.sum() - len(mean), 1)) + 1e-6
        sides.append(-0.5 * ((target - mean) / spread) ** 2 - log(spread))
    return sides[0] - sides[1]
