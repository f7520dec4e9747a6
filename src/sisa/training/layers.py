"""Layers that compute the same bits on every machine: convolutions, linear layers, BatchNorm and means by exact sums.

Each rounds its operands to grids (`arithmetic.grid`), once a step, and lets torch add the products of their integers,
with whatever engine the machine has: the sums are exact, so no engine can change a bit. Gradients are those of the
layer without the rounding (Hubara et al. 2018, straight-through; Banner et al. 2018 train with 8-bit operands).
In evaluation each image has a grid of its own, so that no answer depends on what else is in the batch.
"""

import math
from collections.abc import Callable
from functools import cache
from math import prod

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from sisa.training.arithmetic import FLOAT32, check, grid, grid_by, sqrt

PRODUCT_BITS = 10  # of images and slopes in a convolution, at most: in float32; kernels have one more
STATISTICS_BITS = 11  # of an operand of BatchNorm's sums: products are exact in float32, and added in float64
LINEAR_BITS = 20  # in float64
TRIED = 16  # images of a batch on which float32 proves itself
Window = tuple[tuple[int, int], ...]  # stride, padding, dilation


def product_bits(terms: int) -> int:
    """The bits of images and slopes in a sum of so many products with a kernel, fewer for the widest layers.

    In the worst case, all operands the largest, (24 - log2 terms) / 2 would be exact in float32. Operands of which the
    root mean square is an eighth of the largest allow three more. Where they are not, `engine` takes float64. Kernels
    have one bit more: of all roundings, theirs moved the slopes most.
    """
    return min(PRODUCT_BITS, (30 - (terms - 1).bit_length()) // 2)


def sum_directly() -> None:
    """Leave out the libraries that may take Winograd's or Fourier's way, which does not add the products themselves."""
    torch.backends.cudnn.enabled = False
    torch.backends.nnpack.set_flags(False)


def engine(images: Tensor, kernel: Tensor, window: int) -> torch.dtype:
    """The format in which sums over `window` pixels of products of whole numbers are exact, float32 if that is shown.

    By Cauchy and Schwarz no partial sum is larger than the norm of the images in a window times that of a kernel, and
    the first is at most sqrt(window) times the largest norm of a pixel. images [n, c, h, w]; kernel [c, f, ...], of
    which norms are over all but f.
    """
    products = squares(images, (1,)) * squares(kernel, (0, 2, 3)) * window
    return torch.float32 if products * MARGIN < FLOAT32**2 else torch.float64


def squares(integers: Tensor, dims: tuple[int, ...]) -> float:
    """The largest sum over `dims` of squares of whole numbers, to a relative error of half of MARGIN."""
    kind = torch.float32 if prod(integers.shape[dim] for dim in dims) < MANY else torch.float64
    sums = (integers * integers).detach().sum(dims, dtype=kind)
    return float(sums.amax()) if sums.numel() else 0.0


MARGIN = 1.01
MANY = 80_000  # float32 adds n squares with a relative error below n / 2^24


class Convolution(nn.Conv2d):
    """nn.Conv2d without a bias: [n, c, h, w] float32 -> [n, f, h', w'] float32, channels last."""

    def forward(self, images: Tensor) -> Tensor:
        window = (self.stride, self.padding, self.dilation)
        if self.training:
            return Convolve.apply(images, self.weight, window)
        bits = product_bits(self.weight[0].numel())
        integers, step = grid_by(images, (1, 2, 3), bits)
        kernel = grid(self.weight, bits + 1)
        return convolved(integers, kernel.integers, window) * (step * kernel.step)


class Convolve(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images: Tensor, weight: Tensor, window: Window) -> Tensor:
        bits = product_bits(weight[0].numel())
        images, kernel = grid(images, bits), grid(weight, bits + 1)
        ctx.save_for_backward(images.integers, kernel.integers)
        ctx.steps, ctx.window = (images.step, kernel.step), window
        return convolved(images.integers, kernel.integers, window) * (images.step * kernel.step)

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor):
        (images, kernel), (images_step, kernel_step) = ctx.saved_tensors, ctx.steps
        slope = grid(slope, product_bits(kernel[:, 0].numel()))
        of_images = of_weight = None
        if ctx.needs_input_grad[0]:
            of_images = image_slopes(slope.integers, images, kernel, ctx.window) * (slope.step * kernel_step)
        if ctx.needs_input_grad[1]:
            of_weight = weight_slopes(slope.integers, images, kernel, ctx.window).float() * (slope.step * images_step)
        return of_images, of_weight, None


def convolved(images: Tensor, kernel: Tensor, window: Window) -> Tensor:
    kind = engine(images, kernel.transpose(0, 1), kernel[0, 0].numel())
    return computed(forward, kind, window, images, kernel)


def image_slopes(slope: Tensor, images: Tensor, kernel: Tensor, window: Window) -> Tensor:
    kind = engine(slope, kernel, kernel[0, 0].numel())
    return computed(to_images, kind, window, slope, images, kernel)


def weight_slopes(slope: Tensor, images: Tensor, kernel: Tensor, window: Window) -> Tensor:
    """The slopes of a kernel, whole numbers, in float32 or float64: a batch that could be too much for float32 is
    halved, until it is a single image, which is summed in float64; halves are added in float64."""
    if squares(slope, (0, 2, 3)) * squares(images, (0, 2, 3)) * MARGIN < FLOAT32**2:
        return computed(to_kernel, torch.float32, window, slope, images, kernel)
    if len(images) == 1:
        return to_kernel(window, slope.double(), images.double(), kernel.double())
    halves = zip(slope.chunk(2), images.chunk(2), strict=True)
    return sum(weight_slopes(*half, kernel, window).double() for half in halves)


def forward(window: Window, images: Tensor, kernel: Tensor) -> Tensor:
    return functional.conv2d(images, kernel, None, *window)


def to_images(window: Window, slope: Tensor, images: Tensor, kernel: Tensor) -> Tensor:
    return slopes(slope, images, kernel, window, [True, False, False])[0]


def to_kernel(window: Window, slope: Tensor, images: Tensor, kernel: Tensor) -> Tensor:
    return slopes(slope, images, kernel, window, [False, True, False])[1]


def slopes(slope: Tensor, images: Tensor, kernel: Tensor, window: Window, wanted: list[bool]):
    return torch.ops.aten.convolution_backward(slope, images, kernel, None, *window, False, [0, 0], 1, wanted)


def computed(operation: Callable[..., Tensor], kind: torch.dtype, window: Window, *operands: Tensor) -> Tensor:
    """The result of an operation as float32: in float32 where that may be, and has proved itself on these shapes."""
    *batches, kernel = operands
    shapes = (*((min(len(each), TRIED), *each.shape[1:]) for each in batches), tuple(kernel.shape))
    if kind == torch.float32 and proven(operation, window, shapes, operands[0].device):
        return operation(window, *operands)
    return operation(window, *(each.double() for each in operands)).float()


@cache
def proven(operation: Callable[..., Tensor], window: Window, shapes: tuple, where: torch.device) -> bool:
    """Whether float32 gives what float64 gives, on whole numbers whose sums come close to all that float32 can hold."""
    generator, kernel = torch.Generator().manual_seed(0), prod(shapes[-1][1:])
    terms = {forward: kernel, to_images: prod(shapes[-1]) // shapes[-1][1], to_kernel: prod(shapes[0]) // shapes[0][1]}
    most = math.isqrt((FLOAT32 - 1) // terms[operation])
    for least in (-most, most):  # of mixed signs, and all of them the largest
        drawn = [torch.randint(least, most + 1, shape, generator=generator).float().to(where) for shape in shapes]
        if not torch.equal(operation(window, *drawn).double(), operation(window, *(each.double() for each in drawn))):
            print("notice: float32 does not add whole numbers exactly here; float64 does it instead")
            return False
    return True


class Linear(nn.Linear):
    """nn.Linear with a bias: [n, k] float32 -> [n, f] float32, in float64 inside, with operands of 20 bits."""

    def forward(self, features: Tensor) -> Tensor:
        if self.training:
            return Multiply.apply(features, self.weight, self.bias)
        check(self.in_features, 2 * LINEAR_BITS)
        integers, step = grid_by(features, (1,), LINEAR_BITS)
        weight = grid(self.weight.double(), LINEAR_BITS)
        return (integers.double() @ weight.integers.T * (step * weight.step)).float() + self.bias


class Multiply(torch.autograd.Function):
    @staticmethod
    def forward(ctx, features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        check(max(*features.shape, len(weight)), 2 * LINEAR_BITS)
        features, weight = grid(features.double(), LINEAR_BITS), grid(weight.double(), LINEAR_BITS)
        ctx.save_for_backward(features.integers, weight.integers)
        ctx.steps = features.step, weight.step
        return (features.integers @ weight.integers.T * (features.step * weight.step)).float() + bias

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor):
        (features, weight), (features_step, weight_step) = ctx.saved_tensors, ctx.steps
        slope = grid(slope.double(), LINEAR_BITS)
        to_features = slope.integers @ weight * (slope.step * weight_step)
        to_weight = slope.integers.T @ features * (slope.step * features_step)
        return to_features.float(), to_weight.float(), (slope.integers.sum(0) * slope.step).float()


class BatchNorm(nn.BatchNorm2d):
    """nn.BatchNorm2d (Ioffe and Szegedy 2015): [n, c, h, w] float32 -> the same shape."""

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            found, mean, variance = Normalize.apply(images, self.weight, self.bias, self.eps)
            count = images.numel() // images.shape[1]
            self.keep(self.running_mean, mean)
            self.keep(self.running_var, variance * (count / (count - 1)))
            self.num_batches_tracked += 1
            return found
        factor = self.weight * inverse_root(self.running_var.double(), self.eps).float()
        return images * across(factor) + across(self.bias - self.running_mean * factor)

    @torch.no_grad()
    def keep(self, running: Tensor, found: Tensor) -> None:
        running.copy_(running * (1 - self.momentum) + found.float() * self.momentum)


class Normalize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images: Tensor, weight: Tensor, bias: Tensor, eps: float):
        integers, step = grid(images, STATISTICS_BITS)
        count = images.numel() // images.shape[1]
        mean = added(integers) * (step / count)
        variance = (added(integers * integers) * (step * step / count) - mean * mean).clamp_(min=0)
        inverse = inverse_root(variance, eps)
        factor = weight * inverse.float()
        ctx.save_for_backward(integers, mean, inverse, weight)
        ctx.step = step
        ctx.mark_non_differentiable(mean, variance)
        return images * across(factor) + across(bias - mean.float() * factor), mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor, *_):
        (integers, mean, inverse, weight), step = ctx.saved_tensors, ctx.step
        slopes, slope_step = grid(slope, STATISTICS_BITS)
        count = slope.numel() // slope.shape[1]
        to_bias = added(slopes) * slope_step
        to_weight = (added(slopes * integers) * (slope_step * step) - mean * to_bias) * inverse
        # the slope of (x - mean) * inverse: Ioffe and Szegedy 2015, section 3, with x = integers * step
        factor = weight.double() * inverse
        of_images = -factor * inverse * to_weight * (1 / count)
        rest = -factor * to_bias * (1 / count) - of_images * mean
        to_images = slope * across(factor.float()) + integers * across((of_images * step).float())
        return to_images + across(rest.float()), to_weight.float(), to_bias.float(), None


def added(integers: Tensor) -> Tensor:
    """The sums [c] float64 over all but the channels of integers, or of products, of two operands."""
    check(integers.numel() // integers.shape[1], 2 * STATISTICS_BITS)
    return integers.sum((0, 2, 3), dtype=torch.float64)


def inverse_root(variance: Tensor, eps: float) -> Tensor:
    root = sqrt(variance + eps)
    return torch.ones_like(root) / root


def across(channels: Tensor) -> Tensor:
    return channels[:, None, None]


class Mean(nn.Module):
    """The mean over all pixels: [n, c, h, w] float32 -> [n, c] float32."""

    def forward(self, images: Tensor) -> Tensor:
        return Average.apply(images)


class Average(torch.autograd.Function):
    @staticmethod
    def forward(ctx, images: Tensor) -> Tensor:
        ctx.shape = images.shape
        integers, step = grid_by(images, (1, 2, 3), 20)
        count = images.shape[2] * images.shape[3]
        return (integers.sum((2, 3), dtype=torch.float64) * step[:, :, 0, 0] * (1 / count)).float()

    @staticmethod
    @once_differentiable
    def backward(ctx, slope: Tensor):
        count = ctx.shape[2] * ctx.shape[3]
        return (slope * (1 / count))[:, :, None, None].expand(ctx.shape)
