"""What an approximate unlearner is given, and the one way in which it trains: passes of the one training loop."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Self

import torch
from torch import Tensor, nn

from sisa.base.params import Train
from sisa.training.loop import LogRow, Loss, cross_entropy, train_slice
from sisa.training.loss import log_prior
from sisa.training.optimizer import Optimizer


@dataclass(frozen=True)
class Labelled:
    """n images to train on: pixels [n, c, h, w] uint8 and labels [n] int64, on one device."""

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __add__(self, other: Self) -> Self:
        return type(self)(torch.cat([self.pixels, other.pixels]), torch.cat([self.labels, other.labels]))

    def drawn(self, count: int, generator: torch.Generator) -> Self:
        """`count` of the images at random: all of them as often as whole rounds go, and some once more."""
        rounds = -(-count // len(self))
        orders = [torch.randperm(len(self), generator=generator) for _ in range(rounds)]
        rows = torch.cat([torch.empty(0, dtype=torch.int64), *orders])[:count].to(self.labels.device)
        return type(self)(self.pixels[rows], self.labels[rows])


@dataclass(frozen=True)
class Task:
    """A network as trained, which is changed in place, and what it is to retain and to forget, neither empty.

    classes: how many there are; recipe: that of the network, with the learning rate of unlearning; samples: how many
    may be used up; generator: on the CPU.
    """

    network: nn.Module
    retain: Labelled
    forget: Labelled
    classes: int
    recipe: Train
    samples: int
    generator: torch.Generator

    @cached_property
    def cross_entropy(self) -> Loss:
        """The loss that the exactly retrained network has: its prior is that of what is retained."""
        prior = log_prior(self.retain.labels, self.classes, self.recipe.logit_adjustment).to(self.retain.labels.device)
        return partial(cross_entropy, prior=prior, smoothing=self.recipe.label_smoothing)

    def optimizer(self) -> Optimizer:
        """A fresh one: what the network's own remembers is what it was trained on."""
        return Optimizer(self.network, self.recipe.optimizer)

    def drawn(self, images: Labelled, count: int) -> Labelled:
        return images.drawn(count, self.generator)

    def train(self, optimizer: Optimizer, images: Labelled, loss: Loss) -> Iterator[LogRow]:
        """One pass over these images, each a sample; yield its log row, none without images."""
        if len(images):
            over = (images.pixels, images.labels, loss, self.recipe, 1, self.generator)
            yield from train_slice(self.network, optimizer, *over)
