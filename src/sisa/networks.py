"""The networks: a small residual CNN for members that train in seconds, and the notebooks' ResNet-18."""

from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from sisa.params import Cnn, ResNet18


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
    return [nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False), nn.BatchNorm2d(channels_out), nn.GELU()]


def cnn(network: Cnn, channels: int, classes: int) -> nn.Module:
    """A convolution a width, each but the first after 2 x 2 pooling and with a residual block; then a linear head.

    The shape follows airbench (Jordan 2024, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU").
    """
    layers = convolution(channels, network.widths[0])
    for before, width in pairwise(network.widths):
        layers += [nn.MaxPool2d(2), *convolution(before, width), Residual(*convolution(width, width))]
    return nn.Sequential(*layers, GlobalPool(network.pool), nn.Linear(network.widths[-1], classes))


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
