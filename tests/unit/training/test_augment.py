"""Random changes keep shape and type, come from the generator alone, and are as strong as asked for."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sisa.base.params import Augment
from sisa.training.augment import augment, normalize

NONE = {"flip": False, "rotate": 0.0, "scale": 0.0, "shift": 0.0, "color": 0.0, "cutout": 0.0}
ALL = Augment(flip=True, rotate=10.0, scale=0.2, shift=0.05, color=0.2, cutout=0.4)
MOVES = Augment(**NONE | {"flip": True, "rotate": 30.0, "scale": 0.3, "shift": 0.3})


def pictures(count=6, channels=3, size=8):
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(0))


def changed(images, seed=0, **strengths):
    strength = Augment(**NONE | strengths) if strengths else ALL
    return augment(images, strength, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("count", [1, 5])
def test_shape_and_type_stay(channels, count):
    images = pictures(count, channels)
    assert changed(images).shape == images.shape
    assert changed(images).dtype == torch.float32
    assert torch.equal(images, pictures(count, channels))


def test_the_generator_alone_decides():
    torch.manual_seed(1)
    first = changed(pictures())
    torch.manual_seed(2)
    assert torch.equal(changed(pictures()), first)
    assert not torch.allclose(changed(pictures(), seed=1), first)


def test_no_strength_changes_nothing():
    still = augment(pictures(), Augment(**NONE), torch.Generator().manual_seed(0))
    torch.testing.assert_close(still, pictures(), atol=1e-4, rtol=0)


def test_a_flip_mirrors_some_images_from_left_to_right_and_leaves_the_others():
    images = pictures(40)
    flipped = changed(images, flip=True)
    same = ((flipped - images).abs() < 1e-4).flatten(1).all(1)
    mirrored = ((flipped - images.flip(3)).abs() < 1e-4).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 10 < same.sum() < 30


def test_a_shift_moves_by_its_share_of_the_size_at_most():
    ramp = torch.arange(8.0).expand(40, 1, 8, 8)
    moved = (changed(ramp, shift=0.25) - ramp)[:, :, :, 2:-2].abs()
    assert moved.max() <= 2 + 1e-4
    assert moved.max() > 1.5


@pytest.mark.parametrize(("strength", "name"), [(0.2, "scale"), (20.0, "rotate")])
def test_scaling_and_rotating_move_pixels_but_not_the_centre(strength, name):
    images = torch.zeros(20, 1, 9, 9)
    images[:, :, 4, 4], images[:, :, 0, 0] = 1, 1
    moved = changed(images, **{name: strength})
    torch.testing.assert_close(moved[:, :, 4, 4], torch.ones(20, 1), atol=1e-4, rtol=0)
    assert not torch.allclose(moved, images, atol=0.1)


def test_mirroring_rotating_and_scaling_do_not_distort():
    row_and_column = torch.stack(torch.meshgrid(torch.arange(17.0), torch.arange(17.0), indexing="ij"))
    moved = changed(row_and_column.expand(20, 2, 17, 17), flip=True, rotate=20.0, scale=0.25)
    down, right = moved[:, :, 9, 8] - moved[:, :, 8, 8], moved[:, :, 8, 9] - moved[:, :, 8, 8]
    torch.testing.assert_close((down * right).sum(1), torch.zeros(20), atol=1e-4, rtol=0)
    torch.testing.assert_close(down.norm(dim=1), right.norm(dim=1), atol=1e-4, rtol=0)
    assert 1 / 1.25 < down.norm(dim=1).min() < 1 < down.norm(dim=1).max() < 1.25


@given(seed=st.integers(0, 2**32), value=st.floats(-2, 2, width=32))
@settings(max_examples=30)
def test_moving_brings_nothing_in_from_outside(seed, value):
    images = torch.full((3, 1, 8, 8), value)
    torch.testing.assert_close(augment(images, MOVES, torch.Generator().manual_seed(seed)), images, atol=1e-4, rtol=0)


def test_recolouring_changes_each_image_by_its_own_factor_and_keeps_grey_grey():
    grey = pictures(6, channels=1).expand(-1, 3, -1, -1)
    recoloured = changed(grey, color=0.3)
    torch.testing.assert_close(recoloured[:, :1].expand(-1, 3, -1, -1), recoloured)
    contrast = recoloured.flatten(1).std(1) / grey.flatten(1).std(1)
    assert ((contrast - 1).abs() < 0.3 + 1e-3).all()
    assert len(contrast.unique()) == 6


@pytest.mark.parametrize("side", [0.25, 0.5])
def test_a_cutout_blanks_a_square_of_its_share_of_the_width_to_mid_grey(side):
    images = torch.full((60, 3, 8, 8), 1.5)
    blank = changed(images, cutout=side) != 1.5
    assert (changed(images, cutout=side)[blank] == 0).all()
    assert (blank[:, :1] == blank).all()
    rows, columns = blank[:, 0].any(2).sum(1), blank[:, 0].any(1).sum(1)
    assert torch.equal(blank[:, 0].sum((1, 2)), rows * columns)
    assert rows.max() == columns.max() == 8 * side
    assert min(rows.min(), columns.min()) >= 8 * side / 2  # its centre is in the image, its edge may not be


def test_pixels_are_normalized_by_constants():
    pixels = torch.tensor([0, 127, 128, 200], dtype=torch.uint8).view(1, 1, 2, 2)
    expected = torch.tensor([-127.5, -0.5, 0.5, 72.5]).view(1, 1, 2, 2) / 64
    assert torch.equal(normalize(pixels), expected)
    assert torch.equal(normalize(pixels.expand(5, 1, 2, 2))[3:4], expected)
