"""Score the ensemble before, after and retrained, and both baselines, on the test set and on the training images."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from sisa import checkpoints, cost, forgotten, paths, tables
from sisa.ensemble import AGGREGATIONS, predict
from sisa.files import beside
from sisa.images import Images
from sisa.metrics import accuracies
from sisa.networks import build
from sisa.params import Params, load
from sisa.training import be_deterministic, device
from sisa.training import predict as predict_logits


@dataclass(frozen=True)
class Answers:
    """What one model says of each set of images, logits [n, K], and what it was trained on, images a class [K]."""

    logits: dict[str, np.ndarray]
    counts: np.ndarray


def main() -> None:
    params = load()
    be_deterministic(params.train.threads)
    request = forgotten.read(paths.FORGOTTEN)
    sets = {
        "held_out": tables.read(paths.TEST, Images),
        "training_images": tables.read_union(paths.SHARDS, params.shards),
    }
    members = {name: ask(paths.members(params) / name, sets, params) for name in params.shards}
    served = {name: answers for name, answers in members.items() if name not in request.affected}
    again = {name: ask(paths.retrained(params) / name, sets, params) for name in request.affected}
    states = {
        "before": present(members, params.shards),
        "after": present(served, params.shards),
        "retrained": present(served | again, params.shards),
    }
    baselines = {path.name: ask(path, sets, params) for path in (paths.BASELINE_FULL, paths.BASELINE_RETRAINED)}
    for state, answers in states.items():
        write_json(paths.METRICS / f"{state}.json", score_ensemble(answers, sets, params))
    scores = {name: score_baseline(answers, sets, params) for name, answers in baselines.items() if answers}
    write_json(paths.METRICS / "baseline.json", scores)
    write_json(paths.METRICS / "cost.json", costs(params))
    write_plots(states, sets["held_out"], params)


def ask(folder: Path, sets: dict[str, Images], params: Params) -> Answers | None:
    """The last checkpoint's answers; None for an empty member."""
    last = checkpoints.last_slice(folder)
    if last is None:
        return None
    weights, _ = checkpoints.read_tensors(folder, last)
    network = build(params.train.network, params.dataset.channels, len(params.shards))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise checkpoints.foreign(checkpoints.slice_file(folder, last)) from error
    network.to(device(), memory_format=torch.channels_last)
    counts = checkpoints.read_seen(folder, last).counts
    return Answers(
        {
            name: predict_logits(network, torch.from_numpy(images.pixels), params.train.test_flip).double().numpy()
            for name, images in sets.items()
        },
        np.array([counts[name] for name in params.shards]),
    )


def present(members: dict[str, Answers | None], shards: list[str]) -> list[Answers]:
    """The members that exist, in shard order."""
    return [members[name] for name in shards if members.get(name) is not None]


def decide(aggregation: str, members: list[Answers], which: str, images: Images, params: Params) -> np.ndarray:
    """The ensemble's class for each image of the set `which`, [n] int64."""
    shape = (len(members), len(images), len(params.shards))
    logits = np.array([member.logits[which] for member in members]).reshape(shape)
    counts = np.array([member.counts for member in members]).reshape(shape[0], shape[2])
    return predict(aggregation, logits, counts, params.train.logit_adjustment)


def score_ensemble(members: list[Answers], sets: dict[str, Images], params: Params) -> dict:
    scores: dict = {"members": len(members)}
    for which, images in sets.items():
        scores[which] = {
            aggregation: score(decide(aggregation, members, which, images, params), images, params)
            for aggregation in AGGREGATIONS
        }
    return scores


def score_baseline(model: Answers, sets: dict[str, Images], params: Params) -> dict:
    return {which: score(model.logits[which].argmax(axis=1), images, params) for which, images in sets.items()}


def score(predicted: np.ndarray, images: Images, params: Params) -> dict:
    actual = np.searchsorted(params.shards, images.classes)
    return accuracies(predicted, actual, params.shards, params.forget.class_)


def costs(params: Params) -> dict:
    """Images in the training set and samples processed, of each shard and each baseline."""
    training = {name: counted(paths.members(params) / name) for name in params.shards}
    retraining = {name: json.loads(paths.retraining(params, name).read_text()) for name in params.shards}
    baselines = {path.name: counted(path) for path in (paths.BASELINE_FULL, paths.BASELINE_RETRAINED)}
    return {"training": summed(training), "retraining": summed(retraining), **baselines}


def counted(folder: Path) -> dict:
    last, log = checkpoints.last_slice(folder), checkpoints.read_log(folder)
    images = 0 if last is None else sum(checkpoints.read_seen(folder, last).counts.values())
    return {"images": images, "samples": cost.samples(log)}


def summed(shards: dict[str, dict]) -> dict:
    total = {key: sum(shard[key] for shard in shards.values()) for key in ("images", "samples")}
    return total | {"shard": shards}


def write_plots(states: dict[str, list[Answers]], images: Images, params: Params) -> None:
    """Confusion matrices, accuracy per class and state, by the chosen aggregation; and the loss curves."""
    names = np.array([*params.shards, "undecided"])  # ensemble.UNDECIDED, -1, is the last
    bars = []
    for state, members in states.items():
        predicted = decide(params.aggregation, members, "held_out", images, params)
        write_csv(
            paths.PLOTS / "confusion" / f"{state}.csv",
            pd.DataFrame({"actual": images.classes, "predicted": names[predicted]}),
        )
        shares = score(predicted, images, params).get("class", {})
        bars += [{"state": state, "class": name, "accuracy": value} for name, value in shares.items()]
    write_csv(paths.PLOTS / "accuracy.csv", pd.DataFrame(bars, columns=["state", "class", "accuracy"]))
    write_csv(paths.PLOTS / "loss.csv", pd.concat([*loss_curves(params)], ignore_index=True))


def loss_curves(params: Params):
    """One table a training: model, epochs counted through the slices, loss and accuracy on the training images."""
    folders = {name: paths.members(params) / name for name in params.shards}
    folders |= {path.name: path for path in (paths.BASELINE_FULL, paths.BASELINE_RETRAINED)}
    for name, folder in folders.items():
        log = pd.DataFrame(checkpoints.read_log(folder), columns=list(checkpoints.LOG_COLUMNS))
        yield log.assign(model=name, epoch=range(1, len(log) + 1))[["model", "epoch", "loss", "accuracy"]]


def write_json(path: Path, content: dict) -> None:
    with beside(path) as part:
        part.write_text(json.dumps(content, indent=2) + "\n")


def write_csv(path: Path, table: pd.DataFrame) -> None:
    with beside(path) as part:
        table.to_csv(part, index=False)


if __name__ == "__main__":
    main()
