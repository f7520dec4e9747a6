"""The loss: cross-entropy with logit adjustment and label smoothing, in float64 and in a fixed order."""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from sisa.base.elementary import exp, in_order, log
from sisa.training.arithmetic import on_cpu, total


def log_prior(labels: Tensor, classes: int, strength: float) -> Tensor:
    """What logit adjustment adds to the logits in the loss: strength · log of each class's share [classes] float64.

    Menon et al. 2021 ("Long-tail learning via logit adjustment"), equation 10. A class without images is unadjusted.
    """
    counts = torch.bincount(labels, minlength=classes).double()
    share = counts / torch.full_like(counts, len(labels))
    return on_cpu(log, torch.where(share > 0, share, 1)) * strength


class CrossEntropy(torch.autograd.Function):
    """apply(logits [n, K] float32, prior [K] float64, labels [n] int64, smoothing) -> the mean loss, float64.

    Label smoothing: Szegedy et al. 2016, section 7.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, prior: Tensor, labels: Tensor, smoothing: float) -> Tensor:
        adjusted = logits.double() + prior
        adjusted = adjusted - adjusted.amax(dim=1, keepdim=True)
        exponentials = on_cpu(exp, adjusted)
        sums = on_cpu(in_order, exponentials)[:, None]
        count, classes = logits.shape
        target = torch.full_like(adjusted, smoothing / classes)
        target.scatter_(1, labels[:, None], 1 - smoothing + smoothing / classes)
        ctx.save_for_backward(exponentials / sums - target)
        return total(on_cpu(in_order, target * (on_cpu(log, sums) - adjusted)), (0,)) * (1 / count)

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor):
        (difference,) = ctx.saved_tensors
        return (difference * (slope * (1 / len(difference)))).float(), None, None, None
