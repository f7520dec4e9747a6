"""Which models answer in each state, and what they are asked."""

from pathlib import Path

import numpy as np

from sisa.answers import Answers
from sisa.common import paths
from sisa.common.images import Images
from sisa.common.params import Params
from sisa.forgotten import Forgotten
from sisa.scoring import TRAINING, Exam
from sisa.unlearning import holds

BASELINES = (paths.BASELINE_FULL, paths.BASELINE_RETRAINED)


def serving(params: Params, request: Forgotten) -> dict[str, list[Path]]:
    """The members that each state answers with, in shard order; an empty one among them has no answers."""
    trained, again = paths.members(params), paths.retrained(params)
    return {
        "before": [trained / name for name in params.shards],
        "after": [trained / name for name in params.shards if name not in request.affected],
        "retrained": [(again if name in request.affected else trained) / name for name in params.shards],
    }


def answering(members: dict[str, list[Path]], answers: dict[Path, Answers]) -> dict[str, list[Answers]]:
    """The answers of each state's members; an empty one among them has none."""
    return {state: [answers[each] for each in served if each in answers] for state, served in members.items()}


def exam_of(sets: dict[str, Images], request: Forgotten, params: Params) -> Exam:
    actual = {name: np.searchsorted(params.shards, images.classes) for name, images in sets.items()}
    return Exam(actual, holds(sets[TRAINING], request.ids), params.shards, params.forget.class_)
