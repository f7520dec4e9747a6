"""How fast each served member learns the forgotten class again, beside a member that never saw it."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from sisa import forgotten
from sisa.answers import logits_of, network_of
from sisa.common import paths, tables
from sisa.common.files import write_csv, write_json
from sisa.common.images import Images, Shard
from sisa.common.params import Params, load
from sisa.forgotten import Forgotten
from sisa.learning import checkpoints, training
from sisa.learning.optimizer import Optimizer
from sisa.states import serving

REGAINED = 0.9  # of the share that the class's own member named before it was forgotten
Curve = list[tuple[int, float]]  # samples, and the share of held-out images of the class that are named


def main() -> None:
    params = load()
    training.be_deterministic(params.train.threads)
    request = forgotten.read(paths.FORGOTTEN)
    lessons, goal, curves = None, 0.0, {}
    if params.forget.class_:
        lessons = lessons_of(params)
        test = tables.read(paths.TEST, Images)
        held_out = torch.from_numpy(test.pixels[test.classes == params.forget.class_])
        goal = REGAINED * named(paths.members(params) / params.forget.class_, held_out, params)
        starts = list(starting_points(params, request))
        for name, start, member in tqdm(starts, desc="relearning", unit="member", disable=None):
            curves[name, start] = list(relearn(member, lessons, held_out, params))
    write_json(paths.METRICS / "relearning.json", summary(curves, goal))
    rows = [(name, start, *point) for (name, start), curve in curves.items() for point in curve]
    write_csv(paths.PLOTS / "relearning.csv", [("member", "start", "samples", "named"), *rows])


def lessons_of(params: Params) -> Images:
    """As many images of each class, drawn at random; of the class to forget, those that leaked into no other shard."""
    union = tables.read(paths.UNION, Images)
    leaked = [
        tables.read(paths.SHARDS / f"{name}.parquet", Shard).ids
        for name in params.shards
        if name != params.forget.class_
    ]
    of_class = union.classes == params.forget.class_
    images = union.take(~of_class | ~np.isin(union.ids, np.concatenate(leaked)))
    generator = np.random.default_rng(training.derived_seed(params.seed, "relearn"))
    order = generator.permutation(len(images))
    drawn = [order[images.classes[order] == name][: params.attacks.relearn_images] for name in params.shards]
    return images.take(np.concatenate(drawn))


def starting_points(params: Params, request: Forgotten) -> Iterator[tuple[str, str, Path]]:
    """Each member that serves after retraining, and the one of its shard that never saw a forgotten image."""
    for member in serving(params, request)["retrained"]:
        for start, folder in {"served": member, "reference": paths.reference(params) / member.name}.items():
            if checkpoints.last_slice(folder) is not None:
                yield member.name, start, folder


def relearn(member: Path, lessons: Images, held_out: torch.Tensor, params: Params) -> Iterator[tuple[int, float]]:
    """Samples, and the share of held-out images of the class named, before and after each epoch of fine-tuning.

    The member's own recipe over its own schedule, with a fresh optimizer state and no prior to adjust for.
    """
    network = network_of(member, checkpoints.last_slice(member), params).to(training.device())
    labels = torch.from_numpy(np.searchsorted(params.shards, lessons.classes))
    generator = torch.Generator().manual_seed(training.derived_seed(params.seed, "relearn", member.name))
    samples = 0
    yield samples, share_named(network, held_out, params)
    for row in training.train_slice(
        network,
        Optimizer(network, params.train.optimizer),
        torch.from_numpy(lessons.pixels).to(training.device()),
        labels.to(training.device()),
        torch.zeros(len(params.shards), device=training.device()),
        params.train,
        params.attacks.relearn_epochs,
        generator,
    ):
        samples += row["samples"]
        yield samples, share_named(deepcopy(network), held_out, params)


def named(member: Path, held_out: torch.Tensor, params: Params) -> float:
    """The share of these images that a member names the forgotten class; 0 for an empty one."""
    last = checkpoints.last_slice(member)
    return 0.0 if last is None else share_named(network_of(member, last, params), held_out, params)


def share_named(network: torch.nn.Module, held_out: torch.Tensor, params: Params) -> float:
    logits = logits_of([network], held_out, params.train)[0]
    return float((logits.argmax(dim=1) == params.shards.index(params.forget.class_)).double().mean())


def summary(curves: dict[tuple[str, str], Curve], goal: float) -> dict:
    """For each member and start the share named at first, and the samples until the goal, absent if never reached."""
    found: dict = {"goal": goal} if curves else {}
    for (name, start), curve in curves.items():
        reached = [samples for samples, share in curve if share >= goal]
        found.setdefault(name, {})[start] = {"named": curve[0][1]} | ({"samples": reached[0]} if reached else {})
    return found


if __name__ == "__main__":
    main()
