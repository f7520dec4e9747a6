"""The cost report of a run: what the training loops counted, beside what is predicted without training."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from sisa.base import paths
from sisa.base.files import read_json
from sisa.base.params import Params
from sisa.cost import closed_forms
from sisa.cost.predictions import predicted_retraining, predicted_training
from sisa.data.images import Shard
from sisa.training import checkpoints
from sisa.training.resume import Retraining
from sisa.training.slicing import exact_slice_epochs, slice_epochs
from sisa.unlearning.forget_set import ALL, ONLY_DOMINANT, SCOPES, ForgetSet, covered
from sisa.unlearning.states import BASELINES


def cost_report(params: Params, shards: dict[str, Shard], forget_set: ForgetSet) -> dict:
    """Images and samples of training, retraining and full retraining, and what follows from them, by name.

    `predicted` is exact, from the epochs really used and the images retained; `closed_form` is before rounding. What
    does not exist is absent: a speed-up over nothing, the closed form of classes where none is forgotten.
    """
    epochs = slice_epochs(params.train.epochs, params.slices)
    training = {name: counted(paths.members(params) / name) for name in shards}
    for name, shard in shards.items():
        training[name]["predicted"] = predicted_training(shard.slices, params.slices, epochs)
    retraining = {name: asdict(read_json(paths.retraining(params, name), Retraining)) for name in shards}
    predicted = {scope: predict(params, shards, forget_set, scope) for scope in SCOPES}
    for name, counts in retraining.items():
        counts["predicted"] = predicted[forget_set.scope].get(name, 0)
    result = {"training": summed(training), "retraining": summed(retraining)}
    for model, gone in zip(BASELINES, (0, len(forget_set.ids)), strict=True):
        samples = (distinct_images(shards) - gone) * slice_epochs(params.train.epochs, 1)
        result[model.name] = counted(model) | {"predicted": samples}
    if result["retraining"]["samples"]:
        result["speed_up"] = result[paths.BASELINE_RETRAINED.name]["samples"] / result["retraining"]["samples"]
    result["scope"] = {
        scope: {"affected_shards": len(each), "samples": sum(each.values())} for scope, each in predicted.items()
    }
    result["price_of_exactness"] = result["scope"][ALL]["samples"] - result["scope"][ONLY_DOMINANT]["samples"]
    return result | {"closed_form": expectations(params, shards, forget_set)}


def summed(shards: dict[str, dict]) -> dict:
    """The totals over the shards, with each shard's own beneath."""
    keys = ("images", "samples", "predicted")
    return {key: sum(shard[key] for shard in shards.values()) for key in keys} | {"shard": shards}


def distinct_images(shards: dict[str, Shard]) -> int:
    return len(set().union(*(shard.ids.tolist() for shard in shards.values())))


def counted(model: Path) -> dict:
    """Images that a model was trained on, and samples processed, from its checkpoint and log."""
    last, log = checkpoints.last_slice(model), checkpoints.read_log(model)
    seen = {} if last is None else checkpoints.read_seen(model, last).counts
    return {"images": sum(seen.values()), "samples": checkpoints.samples(log)}


def predict(params: Params, shards: dict[str, Shard], forget_set: ForgetSet, scope: str) -> dict[str, int]:
    """Samples that retraining each shard that is affected takes if the request has this scope."""
    epochs = slice_epochs(params.train.epochs, params.slices)
    asked = (forget_set.classes, scope, forget_set.images, forget_set.near)
    gone = {name: covered(shard, *asked) for name, shard in shards.items()}
    return {
        name: predicted_retraining(shard.slices, gone[name], params.slices, epochs)
        for name, shard in shards.items()
        if gone[name].any()
    }


def expectations(params: Params, shards: dict[str, Shard], forget_set: ForgetSet) -> dict:
    """The closed forms before rounding: the paper's, for equal disjoint shards, and those under this leakage.

    `paper` and `images` take the forgotten images to have been requested at random, one by one or at once.
    """
    epochs, slices, count = params.train.epochs, params.slices, len(forget_set.ids)
    sizes = np.array([len(shard) for shard in shards.values()])
    result: dict = {"paper": {"one_image": closed_forms.single_request(sizes.mean(), slices, epochs)}}
    if forget_set.classes:
        asked = (forget_set.classes, forget_set.scope, [], forget_set.near)
        column = [covered(shard, *asked).sum() for shard in shards.values()]
        result["class"] = closed_forms.class_request(sizes, np.array(column), epochs)
    if count:
        whole = (int(sizes.sum()), len(sizes), count, epochs)
        result["paper"]["images_one_by_one"] = closed_forms.sequential_requests(*whole)
        result["paper"]["images_at_once"] = closed_forms.batched_requests(*whole)
        distinct = distinct_images(shards)
        each = exact_slice_epochs(epochs, slices)
        result["images"] = {
            name: float(closed_forms.uniform_requests(sizes, distinct, slices, each, count, batch).sum())
            for name, batch in {"one_by_one": 1, "at_once": count}.items()
        }
    return result


def loss_curves(logs: dict[str, list[dict]]) -> list[tuple]:
    """The header, and one row a model and epoch, epochs counted on through the slices, from each model's log."""
    rows = [
        (name, epoch, row["loss"], row["accuracy"])
        for name, log in logs.items()
        for epoch, row in enumerate(log, start=1)
    ]
    return [("model", "epoch", "loss", "accuracy"), *rows]
