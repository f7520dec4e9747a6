"""NegGrad+: descent on what is retained with ascent on what is forgotten."""

from collections.abc import Iterator

import torch
from torch import Tensor

from sisa.base.params import NegGrad
from sisa.training.loop import Batch, LogRow, Loss
from sisa.unlearners.task import Task


def unlearn(task: Task, settings: NegGrad) -> Iterator[LogRow]:
    """Kurmanji et al. 2023 ("Towards unbounded machine unlearning"), the loss of NegGrad+ in section 4:

        beta · mean of the loss over retained images - (1 - beta) · mean of the loss over forgotten images

    with beta = settings.retain. Simplified: half of the samples are of each kind, and both kinds are mixed in a batch,
    so that they share its BatchNorm statistics; the paper draws a batch of each.
    """
    forgotten = task.drawn(task.forget, task.samples // 2)
    images = forgotten + task.drawn(task.retain, task.samples - len(forgotten))
    to_forget = torch.arange(len(images), device=images.labels.device) < len(forgotten)
    loss = difference(task.cross_entropy, to_forget, settings.retain)
    yield from task.train(task.optimizer(), images, loss)


def difference(loss_of: Loss, to_forget: Tensor, beta: float) -> Loss:
    """The weighted difference of both means; to_forget [n] bool, of all rows. A kind that a batch lacks counts 0."""

    def of(batch: Batch) -> Tensor:
        gone = to_forget[batch.rows]
        weights = {beta: ~gone, beta - 1: gone}
        return sum(
            loss_of(Batch(*(each[which] for each in batch))) * by for by, which in weights.items() if which.any()
        )

    return of
