"""Normalization and random changes of a batch, on tensors."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from sisa.base.params import Augment


def normalize(pixels: Tensor) -> Tensor:
    """uint8 [n, c, h, w] -> float32, by constants, so that no slice depends on images of a later one."""
    return (pixels.float() - 127.5) / 64


def augment(images: Tensor, strength: Augment, generator: torch.Generator) -> Tensor:
    """Change each image at random, differently: float32 [n, c, h, w] -> same shape.

    The random numbers come from `generator` on the CPU, so that every device sees the same ones.
    """
    images = move(images, strength, generator)
    if strength.color:
        images = recolor(images, strength.color, generator)
    return cut_out(images, strength.cutout, generator) if strength.cutout else images


def uniform(generator: torch.Generator, *shape: int) -> Tensor:
    """Between -1 and 1."""
    return torch.rand(*shape, generator=generator) * 2 - 1


def move(images: Tensor, strength: Augment, generator: torch.Generator) -> Tensor:
    """Mirror, rotate, scale and shift, in one affine resampling; the border pixels continue outwards."""
    count = len(images)
    mirror = torch.where(uniform(generator, count) < 0, -1.0, 1.0) if strength.flip else torch.ones(count)
    angle = uniform(generator, count) * math.radians(strength.rotate)
    scale = (1 + strength.scale) ** uniform(generator, count)
    shift = uniform(generator, count, 2) * strength.shift * 2  # grid coordinates run from -1 to 1
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = torch.stack([mirror * cos, -sin, shift[:, 0], mirror * sin, cos, shift[:, 1]], dim=1)
    grid = functional.affine_grid(rows.view(count, 2, 3).to(images.device), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def recolor(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Change contrast, brightness and saturation."""
    contrast, brightness, saturation = (uniform(generator, 3, len(images), 1, 1, 1) * strength).to(images.device)
    images = images * (1 + contrast) + brightness
    grey = images.mean(dim=1, keepdim=True)
    return grey + (images - grey) * (1 + saturation)


def cut_out(images: Tensor, side: float, generator: torch.Generator) -> Tensor:
    """Blank one square, of this share of the width, to mid-grey (DeVries and Taylor 2017)."""
    count, size = len(images), images.shape[-1]
    centre = torch.rand(2, count, 1, generator=generator) * size
    row, column = (torch.arange(size) + 0.5 - centre).abs() < side * size / 2
    return images.masked_fill((row[:, :, None] & column[:, None, :])[:, None].to(images.device), 0.0)
