"""Relearning: how fast a member that forgot a class learns it again."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import numpy as np
import torch

from sisa.base.params import Params
from sisa.data.images import Images
from sisa.inference.logits import logits_of, network_of
from sisa.training import checkpoints, loop
from sisa.training.optimizer import Optimizer

REGAINED = 0.9  # of the share that the class's own member named before it was forgotten
Curve = list[tuple[int, float]]  # samples, and the share of held-out images of the class that are named


def lessons(union: Images, class_: str, leaked: np.ndarray, params: Params) -> Images:
    """As many images of each class, drawn at random; of the class to forget, none of the ids [n] that leaked."""
    images = union.take((union.classes != class_) | ~union.among(leaked))
    generator = np.random.default_rng(loop.derived_seed(params.seed, "relearn"))
    order = generator.permutation(len(images))
    drawn = [order[images.classes[order] == name][: params.attacks.relearn_images] for name in params.shards]
    return images.take(np.concatenate(drawn))


def relearn(member: Path, taught: Images, held_out: Images, params: Params) -> Iterator[tuple[int, float]]:
    """Samples, and the share of held-out images of the class that is named, before and after each epoch of fine-tuning.

    The member's own recipe over its own schedule, with a fresh optimizer state and no prior to adjust for.
    """
    where = loop.device(params.train.precision)
    network = network_of(member, checkpoints.last_slice(member), params).to(where)
    labels = torch.from_numpy(np.searchsorted(params.shards, taught.classes))
    generator = torch.Generator().manual_seed(loop.derived_seed(params.seed, "relearn", member.name))
    samples = 0
    yield samples, share_named(network, held_out, params)
    for row in loop.train_slice(
        network,
        Optimizer(network, params.train.optimizer),
        torch.from_numpy(taught.pixels).to(where),
        labels.to(where),
        torch.zeros(len(params.shards), device=where),
        params.train,
        params.attacks.relearn_epochs,
        generator,
    ):
        samples += row["samples"]
        yield samples, share_named(deepcopy(network), held_out, params)


def named(member: Path, held_out: Images, params: Params) -> float:
    """The share of these images that a member gives their class; 0 for an empty one."""
    last = checkpoints.last_slice(member)
    return 0.0 if last is None else share_named(network_of(member, last, params), held_out, params)


def share_named(network: torch.nn.Module, held_out: Images, params: Params) -> float:
    logits = logits_of([network], torch.from_numpy(held_out.pixels), params.train)[0].numpy()
    return float((logits.argmax(axis=1) == np.searchsorted(params.shards, held_out.classes)).mean())


def summary(curves: dict[tuple[str, str], Curve], goal: float) -> dict:
    """For each member and start the share named at first, and the samples until the goal, absent if never reached."""
    found: dict = {"goal": goal} if curves else {}
    for (name, start), curve in curves.items():
        reached = [samples for samples, share in curve if share >= goal]
        found.setdefault(name, {})[start] = {"named": curve[0][1]} | ({"samples": reached[0]} if reached else {})
    return found
