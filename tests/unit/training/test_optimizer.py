"""The steps are those of torch's own optimizers, and the state is all that the next step needs."""

import pytest
import torch
from torch import nn

from sisa.base.params import Adam, AdamW
from sisa.training.optimizer import Optimizer

KINDS = {
    "adam": Adam(name="adam", learning_rate=0.01),
    "adamw": AdamW(name="adamw", learning_rate=0.01, beta2=0.99, weight_decay=0.2),
}
STEPS = (0.01, 0.02, 0.005)


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def kind(request):
    return request.param


def network():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(48, 2))
    layers[0].requires_grad_(False)
    return layers


def backward(layers):
    layers.zero_grad()
    layers(torch.linspace(-1, 1, 128).reshape(2, 1, 8, 8)).square().sum().backward()


def torchs(kind, layers):
    """What torch's class does, with decay on kernels and matrices and none on biases and norms."""
    trained = [parameter for parameter in layers.parameters() if parameter.requires_grad]
    if kind.name == "adam":
        return torch.optim.Adam(trained, lr=kind.learning_rate)
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": kind.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, kind.beta2))


def test_steps_are_those_of_torch(kind):
    ours, theirs = network(), network()
    optimizer, reference = Optimizer(ours, kind), torchs(kind, theirs)
    for learning_rate in STEPS:
        backward(ours)
        optimizer.step(learning_rate)
        backward(theirs)
        for group in reference.param_groups:
            group["lr"] = learning_rate
        reference.step()
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other)
    assert torch.equal(ours[0].weight, network()[0].weight)  # a frozen layer stays


def test_a_restored_optimizer_takes_the_same_step(kind):
    first, second = network(), network()
    optimizer = Optimizer(first, kind)
    backward(first)
    optimizer.step(0.01)
    saved = {name: value.clone() for name, value in optimizer.state.items()}
    second.load_state_dict(first.state_dict())
    other = Optimizer(second, kind)
    other.restore(saved)
    for layers, each in ((first, optimizer), (second, other)):
        backward(layers)
        each.step(0.01)
    assert all(torch.equal(one, two) for one, two in zip(first.parameters(), second.parameters(), strict=True))
    assert optimizer.state.keys() == other.state.keys() == saved.keys()
