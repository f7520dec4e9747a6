"""The networks: a small residual CNN for members that train in seconds, and the notebooks' ResNet-18."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from sisa.base.params import EXACT, Cnn, ResNet18, Train
from sisa.training import layers
from sisa.training.arithmetic import eigen

WHITENED = 500  # images from which a whitening layer is fitted


class Whitening(nn.Conv2d):
    """A fixed convolution without padding that decorrelates the patches of an image: [n, c, h, w] -> [n, f, h', w'].

    Half of the filters are the leading eigenvectors of the patches' covariance over the square roots of their
    eigenvalues, the other half the same with the sign turned (Jordan 2024, airbench).
    """

    def __init__(self, channels: int, filters: int, size: int, stride: int):
        super().__init__(channels, filters, size, stride=stride, bias=False)
        self.weight.requires_grad_(False)

    @torch.no_grad()
    def fit(self, images: Tensor, floor: float = 0.05) -> None:
        """Set the filters for normalized images [n, c, h, w] float32 on the CPU; `floor` is added to the eigenvalues.

        Normalized pixels are multiples of 1/128 below 2, so that the sums of their products are exact in float64.
        """
        unfolded = nn.functional.unfold(images, self.kernel_size, stride=self.stride)
        patches = unfolded.transpose(1, 2).flatten(0, 1).double()
        eigenvalues, vectors = eigen((patches.T @ patches / len(patches)).numpy())
        leading = torch.from_numpy(vectors / np.sqrt(eigenvalues + floor)).T[: self.out_channels // 2]
        self.weight.copy_(torch.cat([leading, -leading]).view_as(self.weight))


class Dirac(nn.Conv2d):
    """A convolution of 3 x 3 that starts as the identity on its input (dirac initialization, as in airbench)."""


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        return images + self.layers(images)


class MaxPool(nn.Module):
    """[n, c, h, w] -> [n, c]. AdaptiveMaxPool2d has no deterministic gradient on CUDA; the maximum itself has one."""

    def forward(self, images: Tensor) -> Tensor:
        return images.amax(dim=(2, 3))


class MeanPool(nn.Module):
    """[n, c, h, w] -> [n, c]."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3))


def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    kernel = Dirac(channels_in, channels_out, 3, padding=1, bias=False)
    return [kernel, nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]


def stages(before: int, widths: list[int]) -> Iterator[nn.Module]:
    """A convolution and a residual one a width, with 2 x 2 pooling between the widths."""
    for number, (narrow, wide) in enumerate(pairwise([before, *widths])):
        if number:
            yield nn.MaxPool2d(2)
        yield from convolution(narrow, wide)
        yield Residual(*convolution(wide, wide))


def cnn(network: Cnn, channels: int, classes: int) -> nn.Module:
    """A whitening layer with a stride, so that all that is trained works on fewer pixels; stages; a linear head.

    The shape follows airbench (Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU").
    """
    filters = min(network.filters, 2 * channels * network.patch**2)  # a patch has no more directions, each twice
    whitening = Whitening(channels, filters, network.patch, network.stride)
    head = [MaxPool() if network.pool == "max" else MeanPool(), nn.Linear(network.widths[-1], classes)]
    return nn.Sequential(whitening, nn.ReLU(inplace=True), *stages(filters, network.widths), *head)


def resnet18(channels: int, classes: int) -> nn.Module:
    """ResNet-18 from scratch (He et al. 2016), as torchvision has it; a grey image enters by one channel."""
    from torchvision import models  # slow to import, and only this network needs it

    network = models.resnet18(num_classes=classes)
    if channels != network.conv1.in_channels:
        network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    return network


def build(recipe: Train, channels: int, classes: int) -> nn.Module:
    """The network of a recipe, in its precision: [n, channels, height, width] float32 -> logits [n, classes]."""
    network = recipe.network
    made = resnet18(channels, classes) if isinstance(network, ResNet18) else cnn(network, channels, classes)
    if recipe.precision == EXACT:
        layers.sum_directly()
    for layer in made.modules() if recipe.precision == EXACT else ():
        layer.__class__ = COMPUTED_EXACTLY.get(type(layer), type(layer))  # with the same parameters and settings
    return made


COMPUTED_EXACTLY = {
    nn.Conv2d: layers.Convolution,
    **{kind: type(kind.__name__, (kind, layers.Convolution), {}) for kind in (Whitening, Dirac)},
    nn.BatchNorm2d: layers.BatchNorm,
    nn.Linear: layers.Linear,
    nn.AdaptiveAvgPool2d: layers.Mean,
    MeanPool: layers.Mean,
}


@torch.no_grad()
def draw_weights(network: nn.Module, generator: torch.Generator) -> None:
    """Draw the weights of convolutions and linear layers by torch.rand, whose numbers are the same everywhere.

    Uniform within 1 / sqrt(k) of a layer with k inputs, as torch does; a ResNet's convolutions within sqrt(6 / k) of k
    outputs (He et al. 2015, the variance of torchvision's normal distribution).
    """
    for layer in network.modules():
        if isinstance(layer, Dirac | nn.Linear):
            bound = 1 / math.sqrt(layer.weight[0].numel())
        elif isinstance(layer, nn.Conv2d) and layer.weight.requires_grad:
            bound = math.sqrt(6 / layer.weight[:, 0].numel())
        else:
            continue
        for parameter in layer.parameters():
            parameter.copy_((torch.rand(parameter.shape, generator=generator) * 2 - 1) * bound)
        if isinstance(layer, Dirac):
            nn.init.dirac_(layer.weight[: layer.in_channels])


def whiten(network: nn.Module, images: Tensor) -> None:
    """Fit the whitening layer, where the network has one, to normalized images [n, c, h, w] float32 on the CPU."""
    for layer in network.modules():
        if isinstance(layer, Whitening):
            layer.fit(images)
