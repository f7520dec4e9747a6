"""The bill of a run: what the training loops counted, beside what is predicted without training."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from sisa import closed_forms, cost
from sisa.common import paths
from sisa.common.files import read_json
from sisa.common.images import Shard
from sisa.common.params import Params
from sisa.forgotten import Forgotten
from sisa.leakage import DOMINANT
from sisa.learning import checkpoints
from sisa.learning.slicing import exact_slice_epochs, slice_epochs
from sisa.unlearning import ALL, forgotten_rows

SCOPES = (DOMINANT, ALL)


def bill(params: Params, shards: dict[str, Shard], request: Forgotten) -> dict:
    """Images and samples of training, retraining and full retraining, and what follows from them, by name.

    `predicted` is exact, from the epochs really used and the images retained; `closed_form` is before rounding. What
    does not exist is absent: a speed-up over nothing, the closed form of a class where none is forgotten.
    """
    training = {name: counted(paths.members(params) / name) for name in shards}
    for name, shard in shards.items():
        epochs = slice_epochs(params.train.epochs, params.slices)
        training[name]["predicted"] = cost.predicted_training(shard.slices, params.slices, epochs)
    retraining = {name: asdict(read_json(paths.retraining(params, name), cost.Retraining)) for name in shards}
    predicted = {scope: predict(params, shards, request, scope) for scope in SCOPES}
    for name, counts in retraining.items():
        counts["predicted"] = predicted[request.scope].get(name, 0)
    result = {"training": cost.summed(training), "retraining": cost.summed(retraining)}
    for model, gone in {paths.BASELINE_FULL: 0, paths.BASELINE_RETRAINED: len(request.ids)}.items():
        predicted_samples = (distinct_images(shards) - gone) * slice_epochs(params.train.epochs, 1)
        result[model.name] = counted(model) | {"predicted": predicted_samples}
    if result["retraining"]["samples"]:
        result["speed_up"] = result[paths.BASELINE_RETRAINED.name]["samples"] / result["retraining"]["samples"]
    result["scope"] = {scope: totals(samples) for scope, samples in predicted.items()}
    result["price_of_exactness"] = result["scope"][ALL]["samples"] - result["scope"][DOMINANT]["samples"]
    return result | {"closed_form": expectations(params, shards, request)}


def distinct_images(shards: dict[str, Shard]) -> int:
    return len(set().union(*(shard.ids.tolist() for shard in shards.values())))


def counted(model: Path) -> dict:
    """Images that a model was trained on, and samples processed, from its checkpoint and log."""
    last, log = checkpoints.last_slice(model), checkpoints.read_log(model)
    images = 0 if last is None else sum(checkpoints.read_seen(model, last).counts.values())
    return {"images": images, "samples": cost.samples(log)}


def predict(params: Params, shards: dict[str, Shard], request: Forgotten, scope: str) -> dict[str, int]:
    """Samples that retraining each shard that is affected takes if the request has this scope."""
    epochs = slice_epochs(params.train.epochs, params.slices)
    gone = {name: forgotten_rows(shard, request.class_, scope, request.images) for name, shard in shards.items()}
    return {
        name: cost.predicted_retraining(shard.slices, gone[name], params.slices, epochs)
        for name, shard in shards.items()
        if gone[name].any()
    }


def totals(samples: dict[str, int]) -> dict:
    return {"affected_shards": len(samples), "samples": sum(samples.values())}


def expectations(params: Params, shards: dict[str, Shard], request: Forgotten) -> dict:
    """The closed forms before rounding: the paper's, for equal disjoint shards, and those under this leakage.

    `paper` and `images` take the forgotten images to have been requested at random, one by one or at once.
    """
    epochs, slices, count = params.train.epochs, params.slices, len(request.ids)
    sizes = np.array([len(shard) for shard in shards.values()])
    result: dict = {"paper": {"one_image": closed_forms.single_request(sizes.mean(), slices, epochs)}}
    if request.class_ is not None:
        column = [forgotten_rows(shard, request.class_, request.scope, []).sum() for shard in shards.values()]
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
