"""Random labels: teach something wrong of what is forgotten, and go on training on what is retained."""

from collections.abc import Iterator

import torch

from sisa.base.params import RandomLabels
from sisa.training.loop import LogRow
from sisa.training.optimizer import Optimizer
from sisa.unlearners.task import Labelled, Task


def unlearn(task: Task, settings: RandomLabels) -> Iterator[LogRow]:
    """The baseline "Random Labels" of Golatkar et al. 2020, section 6; Graves et al. 2021 ("Amnesiac machine
    learning") call it unlearning, and train on both kinds of images, as here: mixed, as many of each as there are.
    """
    yield from relabelled(task, task.optimizer(), task.samples)


def relabelled(task: Task, optimizer: Optimizer, samples: int) -> Iterator[LogRow]:
    """A pass over so many of all images, those to forget with wrong labels."""
    wrong = Labelled(task.forget.pixels, task.forget.labels + other(task))
    images = wrong + task.retain
    images = Labelled(images.pixels, images.labels % task.classes)
    yield from task.train(optimizer, task.drawn(images, samples), task.cross_entropy)


def other(task: Task) -> torch.Tensor:
    """How many classes further on the wrong label of each image to forget is: 1 to classes - 1 alike, int64."""
    drawn = torch.rand(len(task.forget), generator=task.generator)
    return 1 + (drawn * (task.classes - 1)).long().to(task.forget.labels.device)
