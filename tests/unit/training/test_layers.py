"""Exact layers answer as torch's do, but for their rounding; the sums inside are those of Python's integers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sisa.training import layers
from sisa.training.arithmetic import FLOAT32

SHAPES = [(1, 4, 4, 2, 0), (3, 8, 3, 1, 1), (40, 6, 3, 2, 1)]  # channels, filters, size, stride, padding


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def pair(ours, theirs, *arguments, **options):
    """Two layers with the same parameters."""
    torch.manual_seed(0)
    exact, plain = ours(*arguments, **options), theirs(*arguments, **options)
    plain.load_state_dict(exact.state_dict())
    return exact, plain


def close(ours, theirs, tolerance):
    assert ours.shape == theirs.shape
    assert float((ours - theirs).detach().norm()) <= tolerance * float(theirs.detach().norm()) + 1e-6


def compared(exact, plain, given, tolerance):
    """Answers and all slopes, in training and in evaluation."""
    ours, theirs = given.clone().requires_grad_(), given.clone().requires_grad_()
    answers = exact(ours), plain(theirs)
    close(*answers, tolerance)
    slope = torch.randn(answers[0].shape, generator=generator(1))
    for answer in answers:
        answer.backward(slope)
    close(ours.grad, theirs.grad, tolerance)
    for one, other in zip(exact.parameters(), plain.parameters(), strict=True):
        close(one.grad, other.grad, tolerance)
    with torch.no_grad():
        close(exact.eval()(given), plain.eval()(given), tolerance)


@pytest.mark.parametrize(("channels", "filters", "size", "stride", "padding"), SHAPES)
def test_a_convolution_is_torchs(channels, filters, size, stride, padding):
    options = {"stride": stride, "padding": padding, "bias": False}
    both = pair(layers.Convolution, nn.Conv2d, channels, filters, size, **options)
    compared(*both, torch.randn(5, channels, 9, 9, generator=generator()), 0.02)


def test_a_linear_layer_is_torchs():
    compared(*pair(layers.Linear, nn.Linear, 7, 3), torch.randn(5, 7, generator=generator()), 1e-4)


def test_batch_norm_is_torchs_and_keeps_the_same_statistics():
    exact, plain = pair(layers.BatchNorm, nn.BatchNorm2d, 4)
    given = torch.randn(6, 4, 5, 5, generator=generator()) * torch.tensor([1.0, 3.0, 0.3, 1.0])[:, None, None] + 0.5
    compared(exact, plain, given, 0.005)
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(exact.state_dict()[name], value, rtol=0.01, atol=1e-3)


def test_a_mean_is_torchs():
    exact, plain = layers.Mean(), nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    compared(exact, plain, torch.randn(3, 4, 5, 6, generator=generator()), 1e-5)


@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 30, 1023]), st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_sums_of_a_convolution_are_those_of_integers_whatever_their_size(seed, most, channels):
    """Of up to 10 bits, so that some are shown to fit float32, some are halved, and some are summed in float64."""
    draw = np.random.default_rng(seed)
    images, kernel, slope = (
        draw.integers(-most, most + 1, shape) for shape in ((4, channels, 6, 6), (5, channels, 3, 3), (4, 5, 6, 6))
    )
    window = ((1, 1), (1, 1), (1, 1))
    tensors = [torch.from_numpy(each).float() for each in (images, kernel, slope)]
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    patches = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))  # [n, c, 6, 6, 3, 3]
    forward = np.einsum("nchwij,fcij->nfhw", patches, kernel)
    to_kernel = np.einsum("nchwij,nfhw->fcij", patches, slope)
    assert np.array_equal(
        layers.convolved(tensors[0], tensors[1], window), forward.astype(np.float64).astype(np.float32)
    )
    found = layers.weight_slopes(tensors[2], tensors[0], tensors[1], window)
    assert np.array_equal(found.double().numpy(), to_kernel)


def test_float32_is_taken_only_where_no_partial_sum_can_be_rounded():
    kernel = torch.full((8, 1, 3, 3), 1000.0)
    assert layers.engine(torch.full((1, 8, 4, 4), 100.0), kernel, 9) == torch.float32
    images = torch.full((1, 8, 4, 4), 1000.0)
    assert FLOAT32 < 9 * 8 * 1000**2
    assert layers.engine(images, kernel, 9) == torch.float64


def test_the_squares_of_a_large_batch_are_added_without_rounding():
    """In float32 the error could grow with their number, past what MARGIN allows."""
    images = torch.full((2, 1, 250, 250), 1023.0)
    assert images.numel() > layers.MANY
    assert layers.squares(images, (0, 2, 3)) == images.numel() * 1023**2


def test_an_engine_that_does_not_add_exactly_is_not_taken(monkeypatch, capsys):
    """As Winograd's way does not; float64 takes its place."""

    def inexact(window, images, kernel):
        return layers.functional.conv2d(images, kernel, None, *window) * (1 + 2**-20 * (images.dtype == torch.float32))

    images, kernel = torch.full((2, 1, 3, 3), 5.0), torch.full((1, 1, 3, 3), 7.0)
    monkeypatch.setattr(layers, "forward", inexact)
    found = layers.computed(inexact, torch.float32, ((1, 1), (0, 0), (1, 1)), images, kernel)
    assert found.flatten().tolist() == [315.0, 315.0]
    assert "notice: float32 does not add whole numbers exactly here" in capsys.readouterr().out


@pytest.mark.parametrize("kind", [layers.Convolution, layers.Linear])
def test_in_evaluation_an_image_is_answered_alike_in_every_batch(kind):
    layer = kind(3, 4, 3, bias=False) if kind is layers.Convolution else kind(3, 4)
    images = torch.randn(6, *((3, 5, 5) if kind is layers.Convolution else (3,)), generator=generator())
    images *= torch.tensor([1.0, 1000.0, 0.001, 1.0, 1.0, 50.0]).view(-1, *[1] * (images.ndim - 1))
    layer.eval()
    with torch.no_grad():
        whole = layer(images)
        assert torch.equal(torch.cat([layer(images[number : number + 1]) for number in range(6)]), whole)
