"""Normalization and random changes of a batch, on tensors."""

import math

import torch
from torch import Tensor

from sisa.base.elementary import exp, in_order, log, sine_cosine
from sisa.base.params import Augment
from sisa.training.arithmetic import on_cpu


def normalize(pixels: Tensor) -> Tensor:
    """0 to 255 [n, c, h, w] -> float32, by constants, so that no slice depends on images of a later one."""
    return (pixels.float() - 127.5) * 2.0**-6


def augment(pixels: Tensor, strength: Augment, generator: torch.Generator) -> Tensor:
    """Change each image at random, differently: uint8 [n, c, s, s] -> normalized, float32, same shape.

    The random numbers come from `generator` on the CPU, so that every device sees the same ones.
    """
    images = normalize(move(pixels, strength, generator))
    if strength.color:
        images = recolor(images, strength.color, generator)
    return cut_out(images, strength.cutout, generator) if strength.cutout else images


def uniform(generator: torch.Generator, *shape: int) -> Tensor:
    """Between -1 and 1."""
    return torch.rand(*shape, generator=generator) * 2 - 1


def move(pixels: Tensor, strength: Augment, generator: torch.Generator) -> Tensor:
    """Mirror, rotate, scale and shift, in one affine resampling; the border pixels continue outwards.

    Square images, uint8 [n, c, s, s] -> float32, in whole numbers: the map to 1/2^16, places to 1/2^8 of a pixel, so
    that each bilinear sum is of products of 8 bits and 16, which float32 holds exactly.
    """
    count, size = len(pixels), pixels.shape[-1]
    mirror = torch.where(uniform(generator, count) < 0, -1.0, 1.0) if strength.flip else torch.ones(count)
    sine, cosine = sine_cosine(uniform(generator, count).double().numpy() * math.radians(strength.rotate))
    larger = exp(uniform(generator, count).double().numpy() * log(1 + strength.scale))
    sine, cosine = torch.from_numpy(sine * larger), torch.from_numpy(cosine * larger)
    shift = uniform(generator, count, 2).double() * (strength.shift * 2 * size)  # in half pixels
    rows = torch.stack([mirror * cosine, -sine, shift[:, 0], mirror * sine, cosine, shift[:, 1]])
    x_of_x, y_of_x, x0, x_of_y, y_of_y, y0 = (rows * 2**16).round().long().to(pixels.device)[:, :, None, None]
    centred = torch.arange(1 - size, size, 2, device=pixels.device)  # in half pixels
    across, down = centred[None, None, :], centred[None, :, None]
    x = place(x_of_x * across + y_of_x * down + x0, size)
    y = place(x_of_y * across + y_of_y * down + y0, size)
    return bilinear(pixels, x, y)


def place(half_pixels: Tensor, size: int) -> Tensor:
    """From 1/2^16 of half pixels from the centre to 1/2^8 of pixels from the middle of the first, within the image."""
    return ((half_pixels + (size - 1 << 16)) >> 9).clamp_(0, size - 1 << 8)


def bilinear(pixels: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """uint8 [n, c, s, s] at the places x, y [n, s, s] int64, in 1/2^8 of a pixel: float32 [n, c, s, s]."""
    count, channels, size, _ = pixels.shape
    left, top, flat = x >> 8, y >> 8, pixels.float().flatten(2)
    right, bottom = (left + 1).clamp_(max=size - 1), (top + 1).clamp_(max=size - 1)
    to_right, to_bottom = (x & 255).float(), (y & 255).float()
    corners = (
        (left, top, (256 - to_right) * (256 - to_bottom)),
        (right, top, to_right * (256 - to_bottom)),
        (left, bottom, (256 - to_right) * to_bottom),
        (right, bottom, to_right * to_bottom),
    )
    found = torch.zeros_like(flat)
    for column, row, weight in corners:
        where = (row * size + column).flatten(1)[:, None].expand(-1, channels, -1)
        found += flat.gather(2, where) * weight.flatten(1)[:, None]
    return (found * 2.0**-16).view(count, channels, size, size)


def recolor(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Change contrast, brightness and saturation."""
    contrast, brightness, saturation = (uniform(generator, 3, len(images), 1, 1, 1) * strength).to(images.device)
    images = images * (1 + contrast) + brightness
    grey = on_cpu(in_order, images.movedim(1, -1))[:, None] * (1 / images.shape[1])
    return grey + (images - grey) * (1 + saturation)


def cut_out(images: Tensor, side: float, generator: torch.Generator) -> Tensor:
    """Blank one square, of this share of the width, to mid-grey (DeVries and Taylor 2017)."""
    count, size = len(images), images.shape[-1]
    centre = torch.rand(2, count, 1, generator=generator) * size
    row, column = (torch.arange(size) + 0.5 - centre).abs() < side * size / 2
    return images.masked_fill((row[:, :, None] & column[:, None, :])[:, None].to(images.device), 0.0)
