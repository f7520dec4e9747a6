"""The images of the class to forget, where each was trained on, and the attacks on what models say of them."""

from dataclasses import dataclass

import numpy as np

from sisa.attacks import membership
from sisa.attacks.membership import Found
from sisa.base.elementary import softmax
from sisa.data.images import Shard
from sisa.evaluation.scoring import Predictions
from sisa.inference.odds import log_odds
from sisa.inference.outputs import HELD_OUT, Asked, ModelOutputs
from sisa.inference.shadows import ShadowOdds

ByOrigin = dict[str, Found]  # by the origin of the images attacked


@dataclass(frozen=True)
class Suspects:
    """n images of the class to forget, which is number `actual` of the classes: their places in each set of images, ids
    [n], whether each is held out [n] bool, and whether each shard's member was first trained on it [n] bool.

    Every attack tells images apart from the held-out ones of the same class.
    """

    actual: int
    rows: dict[str, np.ndarray]
    ids: np.ndarray
    held_out: np.ndarray
    trained_on: dict[str, np.ndarray]

    def by_state(self, predictions: Predictions) -> ByOrigin:
        """The population attack on an ensemble or model, for images of one shard, of several, and of none.

        Nothing where the predictions are undecided, or give the class the probability 0 for every image, as
        `prior_corrected` does where no member saw it: an AUC of 0.5 by a mask would be no control.
        """
        if any(each.probabilities is None for each in predictions.values()):
            return {}
        believed = np.concatenate([predictions[name].probabilities[rows] for name, rows in self.rows.items()])
        if not believed[:, self.actual].any():
            return {}
        copies = sum(self.trained_on.values())
        origins = {"dominant": copies == 1, "leaked": copies > 1, "never_seen": (copies == 0) & ~self.held_out}
        return self.told_apart(believed, origins)

    def by_member(self, member: ModelOutputs, shard: str, gone: list[str]) -> ByOrigin:
        """The population attack on one member, trained on its shard less the ids that are gone: on the images that it
        was trained on, and on what only others were.
        """
        saw = self.trained_on[shard] & ~np.isin(self.ids, gone)
        others = sum(self.trained_on.values()).astype(bool) & ~saw
        return self.told_apart(softmax(self.logits(member)), {"trained_on": saw, "never_seen": others})

    def by_likelihood(self, members: dict[str, ModelOutputs], shadows: dict[str, ShadowOdds], class_: str) -> ByOrigin:
        """LiRA on the members, for images that they were first trained on: of their own class, and leaked."""
        ratios: dict[str, list] = {"dominant": [], "leaked": []}
        place = {image: number for number, image in enumerate(self.ids)}
        for name, asked in shadows.items():
            if name in members:
                odds = log_odds(softmax(self.logits(members[name])), self.actual)[[place[each] for each in asked.ids]]
                ratio, held = membership.likelihood_ratio(odds, asked.log_odds, asked.inside), asked.held
                origin = "dominant" if name == class_ else "leaked"
                ratios[origin].append((ratio[held], ratio[~held], asked.ids[held], asked.ids[~held]))
        return {
            origin: membership.success(*map(np.concatenate, zip(*each, strict=True)))
            for origin, each in ratios.items()
            if each
        }

    def logits(self, member: ModelOutputs) -> np.ndarray:
        return np.concatenate([member.logits[name][rows] for name, rows in self.rows.items()])

    def told_apart(self, believed: np.ndarray, groups: dict[str, np.ndarray]) -> ByOrigin:
        """The population attack on each group that has images enough, against the held-out ones."""
        outs, held_out = believed[self.held_out], self.ids[self.held_out]
        return {
            name: membership.population(believed[group], outs, self.actual, self.ids[group], held_out)
            for name, group in groups.items()
            if min(group.sum(), len(outs)) >= membership.FEWEST
        }


def suspects(asked: dict[str, Asked], shards: dict[str, Shard], class_: str) -> Suspects:
    """The images of a class among those that models were asked about; shards are in class order."""
    rows = {name: images.classes == class_ for name, images in asked.items()}
    ids = np.concatenate([images.ids[rows[name]] for name, images in asked.items()])
    trained_on = {name: np.isin(ids, shard.ids) for name, shard in shards.items()}
    return Suspects(list(shards).index(class_), rows, ids, np.isin(ids, asked[HELD_OUT].ids), trained_on)
