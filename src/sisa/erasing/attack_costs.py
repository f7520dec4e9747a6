"""Samples that the attack stages (attacks=all) train, predicted from what they read; to ask models takes none."""

import numpy as np

from sisa import cost
from sisa.common.images import Images, Shard
from sisa.common.params import Params
from sisa.forgotten import Forgotten
from sisa.learning.slicing import slice_epochs
from sisa.unlearning import holds


def reference(shard: Shard, request: Forgotten, params: Params) -> int:
    """Of a shard's member without any copy of a forgotten image."""
    epochs = slice_epochs(params.train.epochs, params.slices)
    return cost.predicted_retraining(shard.slices, holds(shard, request.ids), params.slices, epochs)


def shadows(shard: Shard, others: Images, params: Params) -> int:
    """Of a shard's shadow models, each as large as its member; none without candidates in it and among `others`."""
    class_ = params.forget.class_ or ""
    outside = (others.classes == class_) & ~holds(others, shard.ids)
    if not ((shard.classes == class_).any() and outside.any()):
        return 0
    epochs = slice_epochs(params.train.epochs, params.slices)
    return params.attacks.shadows * cost.predicted_training(shard.slices, params.slices, epochs)


def relearning(shards: dict[str, Shard], together: Images, request: Forgotten, params: Params) -> int:
    """Of every served member and its reference, over all epochs: they go on when the class is regained."""
    if not params.forget.class_:
        return 0
    leaked = np.concatenate([shard.ids for name, shard in shards.items() if name != params.forget.class_])
    to_learn = together.take((together.classes != params.forget.class_) | ~holds(together, leaked))
    lessons = sum(min(params.attacks.relearn_images, int((to_learn.classes == name).sum())) for name in shards)
    served = [len(shard) - len(request.removed.get(name, [])) for name, shard in shards.items()]
    exact = [len(shard) - int(holds(shard, request.ids).sum()) for shard in shards.values()]
    return sum(images > 0 for images in [*served, *exact]) * params.attacks.relearn_epochs * lessons
