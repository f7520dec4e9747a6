"""l1-sparse: fine-tuning with a penalty on magnitudes, because sparse models forget more easily."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sisa.base.params import L1Sparse
from sisa.training.arithmetic import total
from sisa.training.loop import Batch, LogRow
from sisa.unlearners.task import Task


def unlearn(task: Task, settings: L1Sparse) -> Iterator[LogRow]:
    """Jia et al. 2023 ("Model sparsity can simplify machine unlearning"), l1-sparse MU in section 4: the loss on
    retained images + gamma · the sum of the magnitudes of all parameters. Simplified: gamma stays what it is; their
    schedule lets it fall to 0 over the epochs, of which a budget here has few or not one.
    """
    optimizer = task.optimizer()
    trained = [*optimizer.parameters.values()]

    def loss(batch: Batch) -> Tensor:
        return task.cross_entropy(batch) + sum(Magnitude.apply(each) for each in trained) * settings.gamma

    yield from task.train(optimizer, task.drawn(task.retain, task.samples), loss)


class Magnitude(torch.autograd.Function):
    """apply(values float32, any shape) -> the sum of their magnitudes, float64, the same on every machine."""

    @staticmethod
    def forward(ctx, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return total(values.abs().reshape(-1), (0,))

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor):
        (values,) = ctx.saved_tensors
        return values.sign() * slope.float()
