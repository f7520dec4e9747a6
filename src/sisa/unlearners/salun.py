"""SalUn: random labels, where only the weights change on which the loss of the forgotten images depends most."""

import copy
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor, nn

from sisa.base.params import Adam, AdamW, SalUn
from sisa.training.loop import LogRow
from sisa.training.optimizer import Optimizer, flat
from sisa.unlearners.random_labels import relabelled
from sisa.unlearners.task import Task


def unlearn(task: Task, settings: SalUn) -> Iterator[LogRow]:
    """Fan et al. 2024 ("SalUn"): a weight is salient where the slope of the loss of the forgotten images is at least
    a threshold (equation 3), here the one that settings.salient of the weights reach; only these are changed (equation
    4), by random labels on the forgotten images and the right ones on those retained (equation 5).

    Simplified: the slope is of settings.search of the samples, not of all forgotten images, of batches that are
    changed at random and normalized by their own statistics. Those of BatchNorm are no weights, and go on changing.
    """
    search = round(settings.search * task.samples)
    copied = replace(task, network=copy.deepcopy(task.network))
    slopes = Slopes(copied.network, task.recipe.optimizer)
    yield from copied.train(slopes, task.drawn(task.forget, search), task.cross_entropy)
    masked = Masked(task.network, task.recipe.optimizer, salient(slopes.sum, settings.salient))
    yield from relabelled(task, masked, task.samples - search)


def salient(slopes: Tensor, share: float) -> Tensor:
    """Which have the largest magnitudes [n] bool: this share of them, more where several are equal."""
    magnitudes = slopes.abs()
    least = magnitudes.sort(descending=True).values[max(1, round(share * len(slopes))) - 1]
    return magnitudes >= least


class Slopes(Optimizer):
    """Adds up the slopes of all trained parameters in `sum` [n] float32, and changes none of them."""

    def __init__(self, network: nn.Module, kind: Adam | AdamW):
        super().__init__(network, kind)
        self.sum = torch.zeros_like(self.values)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        self.sum += flat({name: each.grad for name, each in self.parameters.items()})


class Masked(Optimizer):
    """Leaves the parameters outside of a mask [n] bool, in the order of `flat`, as they are."""

    def __init__(self, network: nn.Module, kind: Adam | AdamW, mask: Tensor):
        super().__init__(network, kind)
        self.mask, self.start = mask, self.values.clone()

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        super().step(learning_rate)
        self.values.copy_(torch.where(self.mask, self.values, self.start))
