"""The networks: a small residual CNN for members that train in seconds, and the notebooks' ResNet-18."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from sisa.base.params import Cnn, ResNet18

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

        In float64, for the sake of the small eigenvalues.
        """
        unfolded = nn.functional.unfold(images, self.kernel_size, stride=self.stride)
        patches = unfolded.transpose(1, 2).flatten(0, 1).double()
        eigenvalues, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        leading = (vectors / (eigenvalues + floor).sqrt()).flip(1).T[: self.out_channels // 2]
        self.weight.copy_(torch.cat([leading, -leading]).view_as(self.weight))


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, images: Tensor) -> Tensor:
        return images + self.layers(images)


class GlobalPool(nn.Module):
    """[n, c, h, w] -> [n, c]. AdaptiveMaxPool2d has no deterministic gradient on CUDA; the maximum itself has one."""

    def __init__(self, kind: Literal["max", "mean"]):
        super().__init__()
        self.kind = kind

    def forward(self, images: Tensor) -> Tensor:
        return images.amax(dim=(2, 3)) if self.kind == "max" else images.mean(dim=(2, 3))


def convolution(channels_in: int, channels_out: int) -> list[nn.Module]:
    """3 x 3, starting as the identity on its input (dirac initialization, as in airbench)."""
    kernel = nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False)
    with torch.no_grad():
        nn.init.dirac_(kernel.weight[:channels_in])
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
    head = [GlobalPool(network.pool), nn.Linear(network.widths[-1], classes)]
    return nn.Sequential(whitening, nn.ReLU(inplace=True), *stages(filters, network.widths), *head)


def resnet18(channels: int, classes: int) -> nn.Module:
    """ResNet-18 from scratch (He et al. 2016), as torchvision has it; a grey image enters by one channel."""
    from torchvision import models  # slow to import, and only this network needs it

    network = models.resnet18(num_classes=classes)
    if channels != network.conv1.in_channels:
        network.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
    return network


def build(network: Cnn | ResNet18, channels: int, classes: int) -> nn.Module:
    """A network with freshly drawn weights: [n, channels, height, width] float32 -> logits [n, classes]."""
    if isinstance(network, ResNet18):
        return resnet18(channels, classes)
    return cnn(network, channels, classes)


def whiten(network: nn.Module, images: Tensor) -> None:
    """Fit the whitening layer, where the network has one, to normalized images [n, c, h, w] float32 on the CPU."""
    for layer in network.modules():
        if isinstance(layer, Whitening):
            layer.fit(images)
