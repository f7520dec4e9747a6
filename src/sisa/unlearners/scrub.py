"""SCRUB: a student that disobeys the model as trained on what is forgotten, and obeys it on what is retained."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from sisa.base.elementary import exp, in_order, log
from sisa.base.params import Scrub
from sisa.training.arithmetic import on_cpu, total
from sisa.training.loop import Batch, LogRow, Loss
from sisa.unlearners.task import Task


def unlearn(task: Task, settings: Scrub) -> Iterator[LogRow]:
    """Kurmanji et al. 2023 ("Towards unbounded machine unlearning"), equation 3 and algorithm 1: passes that raise the
    divergence from the teacher on forgotten images take turns with passes that lower, on retained ones,

        alpha · divergence from the teacher + gamma · cross-entropy.

    The last pass lowers. Simplified: passes are as long as the budget and settings.ascent make them, not whole epochs;
    the temperature of distillation is 1; nothing is rewound (SCRUB+R). That the teacher answers about each image, a
    pass forward, is not counted as samples.
    """
    teacher, optimizer = copy.deepcopy(task.network).eval(), task.optimizer()

    def away(batch: Batch) -> Tensor:
        return -divergence(teacher, batch)

    ascent = round(settings.ascent * task.samples)
    turns = zip(parts(ascent, settings.rounds), parts(task.samples - ascent, settings.rounds), strict=True)
    for up, down in turns:
        yield from task.train(optimizer, task.drawn(task.forget, up), away)
        yield from task.train(optimizer, task.drawn(task.retain, down), obeying(teacher, task.cross_entropy, settings))


def obeying(teacher: nn.Module, loss_of: Loss, settings: Scrub) -> Loss:
    return lambda batch: divergence(teacher, batch) * settings.alpha + loss_of(batch) * settings.gamma


def parts(count: int, rounds: int) -> list[int]:
    """As equal as whole numbers are."""
    return [count * (number + 1) // rounds - count * number // rounds for number in range(rounds)]


def divergence(teacher: nn.Module, batch: Batch) -> Tensor:
    with torch.no_grad():
        expected = teacher(batch.images).float()
    return Divergence.apply(batch.logits, expected)


class Divergence(torch.autograd.Function):
    """apply(logits [n, K] float32, teacher's logits [n, K] float32) -> the mean of KL(teacher || student), float64, the
    same on every machine: d of Kurmanji et al. 2023, equation 1.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, expected: Tensor) -> Tensor:
        ours, theirs = log_probabilities(logits), log_probabilities(expected)
        probabilities = on_cpu(exp, theirs)
        ctx.save_for_backward(on_cpu(exp, ours) - probabilities)
        return total(on_cpu(in_order, probabilities * (theirs - ours)), (0,)) * (1 / len(logits))

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor):
        (difference,) = ctx.saved_tensors
        return (difference * (slope * (1 / len(difference)))).float(), None


def log_probabilities(logits: Tensor) -> Tensor:
    """Of logits [n, K] float32, float64."""
    below = logits.double() - logits.double().amax(dim=1, keepdim=True)
    return below - on_cpu(log, on_cpu(in_order, on_cpu(exp, below)))[:, None]
