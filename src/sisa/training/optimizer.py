"""Adam and AdamW, with a state that is ours to save and restore, in operations that round alike on every machine."""

import math

import torch
from torch import Tensor, nn

from sisa.base.params import Adam, AdamW
from sisa.training.arithmetic import sqrt

BETA1, EPSILON = 0.9, 1e-8


class Optimizer:
    """Adam (Kingma and Ba 2015), or AdamW (Loshchilov and Hutter 2019) with weight decay on kernels and matrices only.

    state: for each parameter `name` that is trained, `name/exp_avg` and `name/exp_avg_sq`, of its shape, and the scalar
    `name/step`, float32. torch's fused steps contract a product and a sum into one operation where a machine can.
    """

    def __init__(self, network: nn.Module, kind: Adam | AdamW):
        self.kind = kind
        trained = {name: each for name, each in network.named_parameters() if each.requires_grad}
        kernels = {name: each for name, each in trained.items() if each.ndim > 1}
        self.parameters = kernels | trained  # kernels and matrices first
        self.decayed = sum(each.numel() for each in kernels.values())
        self.mean, self.square, self.values = (flat(self.parameters) for _ in range(3))
        self.steps = torch.zeros(())
        self.state = {f"{name}/step": self.steps for name in self.parameters}
        for part, vector in {"exp_avg": self.mean, "exp_avg_sq": self.square}.items():
            vector.zero_()
            self.state |= {f"{name}/{part}": view for name, view in views(vector, self.parameters).items()}
        for name, view in views(self.values, self.parameters).items():
            self.parameters[name].data = view

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved state."""
        for key, value in state.items():
            self.state[key].copy_(value)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the parameters by their gradients."""
        adamw = isinstance(self.kind, AdamW)
        beta2 = self.kind.beta2 if adamw else 0.999
        slope = flat({name: each.grad for name, each in self.parameters.items()})
        self.steps += 1
        taken = int(self.steps)
        self.mean.mul_(BETA1).add_(slope * (1 - BETA1))
        self.square.mul_(beta2).add_((slope * slope).mul_(1 - beta2))
        if adamw:
            self.values[: self.decayed].mul_(1 - learning_rate * self.kind.weight_decay)
        root = sqrt(self.square).mul_(1 / math.sqrt(1 - power(beta2, taken))).add_(EPSILON)
        self.values.sub_((self.mean * (learning_rate / (1 - power(BETA1, taken)))).div_(root))


def flat(tensors: dict[str, Tensor]) -> Tensor:
    """One vector of all of them, in the order of their dimensions, channels last."""
    return torch.cat([channels_last(each.detach()).reshape(-1) for each in tensors.values()])


def views(vector: Tensor, like: dict[str, Tensor]) -> dict[str, Tensor]:
    """The parts of a vector in the shapes of these tensors; what is written to one is written to the other."""
    parts = vector.split([each.numel() for each in like.values()])
    shaped = (part.view(channels_last(each).shape) for part, each in zip(parts, like.values(), strict=True))
    return {name: part.movedim(-1, 1) if part.ndim == 4 else part for name, part in zip(like, shaped, strict=True)}


def channels_last(tensor: Tensor) -> Tensor:
    return tensor.movedim(1, -1) if tensor.ndim == 4 else tensor


def power(base: float, exponent: int) -> float:
    """By squaring: a library's pow need not round correctly."""
    found = 1.0
    while exponent:
        if exponent & 1:
            found *= base
        base, exponent = base * base, exponent >> 1
    return found
