"""Attacks by the answers alone: an attacker asks a service about images, once, or before and after it forgot.

The attacker knows the class of each image, and has answers to others of the same class that are known not to be trained
on. The score of the population attack (Ye et al. 2022) is the log-odds of the image's class; that of the difference
attack by how much they fell since an earlier answer (the direct difference of Chen et al. 2021, section 4.3). Neither
is a model fitted to other images: on so few, that is below chance where there is nothing to find.
"""

from dataclasses import dataclass

import numpy as np

from sisa.attacks.scores import Scores
from sisa.data.images import Shard, one_of
from sisa.evaluation.scoring import Predictions
from sisa.inference.odds import log_odds
from sisa.inference.outputs import HELD_OUT, TRAINING, Asked

FEWEST = 10  # images on a side
ByOrigin = dict[str, Scores]


@dataclass(frozen=True)
class Suspects:
    """n images that a service is asked about: the names of their sets in order, ids [n] str and actual classes [n]
    int64; and by origin, which of them were trained on and which they are to be told from, two masks [n] bool.
    """

    sets: list[str]
    ids: np.ndarray
    actual: np.ndarray
    origins: dict[str, tuple[np.ndarray, np.ndarray]]

    def odds(self, predictions: Predictions) -> np.ndarray | None:
        """Of each image's class [n] float64, NaN for a class that has the probability 0 for every image, as one that no
        member saw has by `prior_corrected`: an AUC of 0.5 by a mask would be no control. None where undecided.
        """
        if any(predictions[name].probabilities is None for name in self.sets):
            return None
        believed = np.concatenate([predictions[name].probabilities for name in self.sets])
        return np.where(believed.any(axis=0)[self.actual], log_odds(believed, self.actual), np.nan)

    def scored(self, scores: np.ndarray | None) -> ByOrigin:
        """By origin, where each side has images enough; none without scores [n]."""
        found = {}
        for name, (ins, outs) in self.origins.items():
            if scores is not None and min(ins.sum(), outs.sum()) >= FEWEST and np.isfinite(scores[ins | outs]).all():
                found[name] = Scores(scores[ins], scores[outs], self.ids[ins], self.ids[outs])
        return found

    def population(self, predictions: Predictions) -> ByOrigin:
        return self.scored(self.odds(predictions))

    def difference(self, earlier: Predictions, later: Predictions) -> ByOrigin:
        first, last = self.odds(earlier), self.odds(later)
        return {} if first is None or last is None else self.scored(first - last)


def suspects(
    asked: dict[str, Asked], shards: dict[str, Shard], classes: list[str], forgotten: tuple[str, ...]
) -> Suspects:
    """The images that models were asked about; classes: the names that their outputs index; forgotten: those of them
    to forget, at least one.

    Told from the n held-out images of the classes to forget are n of one shard (`dominant`), those of several
    (`leaked`, each counted once), and, as a control, of none (`never_seen`); of several classes, as many of each, and
    from held-out images of these, for a class may be easier than another. Told from the held-out images of the other
    classes are about n that were trained on, as many of each class (`retained`).
    """
    sets = list(asked)
    ids, names = (np.concatenate([getattr(asked[name], of) for name in sets]) for of in ("ids", "classes"))
    held_out = np.repeat([name == HELD_OUT for name in sets], [len(asked[name].ids) for name in sets])
    trained = np.repeat([name == TRAINING for name in sets], [len(asked[name].ids) for name in sets])
    copies = sum(np.isin(ids, shard.ids).astype(int) for shard in shards.values())
    of_class, actual = one_of(names, forgotten), np.searchsorted(classes, names)
    held = of_class & held_out
    others, retained = np.unique(actual[~of_class]), np.zeros(len(ids), dtype=bool)
    for number in others:
        retained |= some(trained & (actual == number), -(-held.sum() // len(others)))
    origins = {
        "dominant": matched(of_class & (copies == 1), held, actual, held.sum() // len(forgotten)),
        "leaked": matched(of_class & (copies > 1), held, actual, len(ids)),
        "never_seen": matched(of_class & (copies == 0) & ~held_out, held, actual, len(ids)),
        "retained": (retained, ~of_class & held_out),
    }
    return Suspects(sets, ids, actual, origins)


def matched(ins: np.ndarray, outs: np.ndarray, actual: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Equally many of the ins [n] bool of each class, `most` at most, and the outs [n] bool of these classes; actual
    [n] int64. Two masks [n] bool.
    """
    classes, counts = np.unique(actual[ins], return_counts=True)
    found = np.zeros(len(ins), dtype=bool)
    for number in classes:
        found |= some(ins & (actual == number), counts.min(initial=most))
    return found, outs & np.isin(actual, classes)


def some(mask: np.ndarray, count: int) -> np.ndarray:
    """At most `count` of the images of a mask [n] bool, evenly from first to last, [n] bool."""
    rows, found = np.flatnonzero(mask), np.zeros(len(mask), dtype=bool)
    found[rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)]] = True
    return found
