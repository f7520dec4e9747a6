"""Unlearn from a trained model into a folder of its own."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from sisa.base.params import Params, Train
from sisa.data.images import Images
from sisa.training import checkpoints, loop
from sisa.training.loop import Checkpoint
from sisa.training.networks import build
from sisa.unlearners import finetune, l1_sparse, neggrad, random_labels, salun, scrub
from sisa.unlearners.task import Labelled, Task

UNLEARNERS = {
    "finetune": finetune.unlearn,
    "neggrad": neggrad.unlearn,
    "random_labels": random_labels.unlearn,
    "scrub": scrub.unlearn,
    "salun": salun.unlearn,
    "l1_sparse": l1_sparse.unlearn,
}


def unlearn(model: Path, images: Images, gone: np.ndarray, samples: int, folder: Path, params: Params) -> int:
    """Put what becomes of a model in place of `folder` when it is to forget the rows `gone` [n] bool of its images, at
    the cost of so many samples; return how many it took.

    The checkpoint is headed like the one that it starts from, for it has seen the same images. A model that is to
    retain nothing becomes an empty one, at no cost, as by exact forgetting. Raises BadInput where the model is missing
    or damaged, or where training diverges.
    """
    with checkpoints.replacing(folder) as scratch:
        log = []
        if not gone.all():
            number = checkpoints.last_slice(model)
            weights, _ = checkpoints.read_tensors(model, number)
            task = task_of(weights, images, gone, samples, model.name, params)
            steps = UNLEARNERS[params.unlearner.name](task, params.unlearner)
            steps = tqdm(steps, desc=f"{params.unlearner.name} on {model.name}", unit="pass", disable=None)
            log = [{**row, "slice": number + 1, "epoch": epoch} for epoch, row in enumerate(steps, start=1)]
            unlearned = Checkpoint(loop.on_cpu(task.network.state_dict()), {}, log)
            checkpoints.write_checkpoint(scratch, number, unlearned, checkpoints.read_seen(model, number))
        checkpoints.write_log(scratch, log)
    return checkpoints.samples(log)


def task_of(weights: dict, images: Images, gone: np.ndarray, samples: int, name: str, params: Params) -> Task:
    loop.be_deterministic(params.threads)
    where, classes, chosen = loop.device(params.train.precision), len(params.class_names), params.unlearner
    network = build(params.train, images.pixels.shape[1], classes)
    network.load_state_dict(weights)
    network.to(where, memory_format=torch.channels_last)
    parts = [labelled(images.take(which), params.class_names, where) for which in (~gone, gone)]
    seed = loop.derived_seed(params.seed, name, "unlearn", chosen.name)
    recipe = slower(params.train, chosen.learning_rate)
    return Task(network, *parts, classes, recipe, samples, torch.Generator().manual_seed(seed))


def labelled(images: Images, classes: list[str], where: torch.device) -> Labelled:
    labels = torch.from_numpy(np.searchsorted(classes, images.classes))
    return Labelled(torch.from_numpy(images.pixels).to(where), labels.to(where))


def slower(recipe: Train, share: float) -> Train:
    """The recipe with this share of its learning rate."""
    rate = recipe.optimizer.learning_rate * share
    return recipe.model_copy(update={"optimizer": recipe.optimizer.model_copy(update={"learning_rate": rate})})
