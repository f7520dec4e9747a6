"""Samples that the attack stages (attacks=all) train, predicted from what they read; to ask models takes none."""

import numpy as np

from sisa.base.params import Params
from sisa.cost.predictions import predicted_retraining, predicted_training
from sisa.data.images import Candidates, Images, Shard
from sisa.training.slicing import slice_epochs
from sisa.unlearning.forget_set import ForgetSet


def retrained_exact(shard: Shard, to_forget: ForgetSet, params: Params) -> int:
    """Of a shard's member without any copy of a forgotten image."""
    epochs = slice_epochs(params.train.epochs, params.slices)
    return predicted_retraining(shard.slices, shard.among(to_forget.ids), params.slices, epochs)


def shadows(shard: Shard, gone: list[str], candidates: Candidates, params: Params) -> int:
    """Of a shard's members of the shadow ensembles: each as large as the shard and, where these ids go, once more as
    large as what is left."""
    epochs, taken_out = slice_epochs(params.train.epochs, params.slices), shard.among(gone)
    trained_on = [shard.slices, shard.slices[~taken_out]] if taken_out.any() else [shard.slices]
    each = sum(predicted_training(slices, params.slices, epochs) for slices in trained_on)
    return len(candidates.dealt) * each


def relearning(shards: dict[str, Shard], together: Images, to_forget: ForgetSet, params: Params) -> int:
    """Of every served member and its reference, over all epochs: they go on when the class is regained."""
    if not params.forget.class_:
        return 0
    leaked = np.concatenate([shard.ids for name, shard in shards.items() if name != params.forget.class_])
    to_learn = together.take((together.classes != params.forget.class_) | ~together.among(leaked))
    lessons = sum(min(params.attacks.relearn_images, int((to_learn.classes == name).sum())) for name in shards)
    served = [len(shard) - len(to_forget.removed.get(name, [])) for name, shard in shards.items()]
    exact = [len(shard) - int(shard.among(to_forget.ids).sum()) for shard in shards.values()]
    return sum(images > 0 for images in [*served, *exact]) * params.attacks.relearn_epochs * lessons
