"""Samples that the attack stages (attacks=all) train, predicted from what they read; to ask models takes none."""

from sisa.base.params import Params
from sisa.cost.predictions import predicted_retraining, predicted_training
from sisa.data.images import Candidates, Shard
from sisa.inference.oracles import shards_by_kind
from sisa.training.slicing import slice_epochs
from sisa.unlearning.forget_set import ForgetSet


def retrained_exact(shard: Shard, to_forget: ForgetSet, params: Params) -> int:
    """Of a shard's member without any copy of a forgotten image."""
    epochs = slice_epochs(params.train.epochs, params.slices)
    return predicted_retraining(shard.slices, shard.among(to_forget.ids), params.slices, epochs)


def oracles(name: str, shard: Shard, to_forget: ForgetSet, params: Params) -> int:
    """Of a shard's members in the services of each kind."""
    epochs = slice_epochs(params.train.epochs, params.slices)
    kinds = shards_by_kind(shard, name, to_forget).values()
    return params.attacks.oracles * sum(predicted_training(each.slices, params.slices, epochs) for each in kinds)


def shadows(shard: Shard, gone: list[str], candidates: Candidates, params: Params) -> int:
    """Of a shard's members of the shadow ensembles: each as large as the shard and, where these ids go, once more as
    large as what is left."""
    epochs, taken_out = slice_epochs(params.train.epochs, params.slices), shard.among(gone)
    trained_on = [shard.slices, shard.slices[~taken_out]] if taken_out.any() else [shard.slices]
    each = sum(predicted_training(slices, params.slices, epochs) for slices in trained_on)
    return len(candidates.dealt) * each
