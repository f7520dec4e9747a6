"""Adam and AdamW, with a state that is ours to save and restore."""

import torch
from torch import Tensor, nn
from torch.optim.adam import adam

from sisa.base.params import Adam, AdamW


class Optimizer:
    """Adam (Kingma and Ba 2015), or AdamW (Loshchilov and Hutter 2019) with weight decay on kernels and matrices only.

    state: for each parameter `name` that is trained, `name/exp_avg` and `name/exp_avg_sq`, of its shape, and the scalar
    `name/step`, float32. The step is torch's own, called as a function: constructing torch.optim.AdamW imports
    torch's compiler, which takes a second in every stage that trains.
    """

    def __init__(self, network: nn.Module, kind: Adam | AdamW):
        self.kind = kind
        self.parameters = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self.state: dict[str, Tensor] = {}
        for name, parameter in self.parameters.items():
            self.state[f"{name}/exp_avg"] = torch.zeros_like(parameter)
            self.state[f"{name}/exp_avg_sq"] = torch.zeros_like(parameter)
            self.state[f"{name}/step"] = torch.zeros((), device=parameter.device)

    @torch.no_grad()
    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved state."""
        for key, value in state.items():
            self.state[key].copy_(value)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Change the parameters by their gradients."""
        kernels = [name for name, parameter in self.parameters.items() if parameter.ndim > 1]
        self.update(kernels, learning_rate, self.kind.weight_decay if isinstance(self.kind, AdamW) else 0.0)
        self.update([name for name in self.parameters if name not in kernels], learning_rate, 0.0)

    def update(self, names: list[str], learning_rate: float, weight_decay: float) -> None:
        adam(
            [self.parameters[name] for name in names],
            [self.parameters[name].grad for name in names],
            *([self.state[f"{name}/{part}"] for name in names] for part in ("exp_avg", "exp_avg_sq")),
            [],
            [self.state[f"{name}/step"] for name in names],
            fused=True,
            amsgrad=False,
            beta1=0.9,
            beta2=self.kind.beta2 if isinstance(self.kind, AdamW) else 0.999,
            lr=learning_rate,
            weight_decay=weight_decay,
            eps=1e-8,
            maximize=False,
            decoupled_weight_decay=isinstance(self.kind, AdamW),
        )
