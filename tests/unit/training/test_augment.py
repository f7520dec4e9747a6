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
    drawn = torch.randint(0, 256, (count, channels, size, size), generator=torch.Generator().manual_seed(0))
    return drawn.to(torch.uint8)


def changed(pixels, seed=0, **strengths):
    """Normalized."""
    strength = Augment(**NONE | strengths) if strengths else ALL
    return augment(pixels, strength, torch.Generator().manual_seed(seed))


def grey_levels(pixels, seed=0, **strengths):
    """From 0 to 255."""
    return changed(pixels, seed, **strengths) * 64 + 127.5


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
    assert torch.equal(augment(pictures(), Augment(**NONE), torch.Generator().manual_seed(0)), normalize(pictures()))


def test_a_flip_mirrors_some_images_from_left_to_right_and_leaves_the_others():
    images = pictures(40)
    flipped = grey_levels(images, flip=True)
    same = (flipped == images).flatten(1).all(1)
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 10 < same.sum() < 30


def test_a_shift_moves_by_its_share_of_the_size_at_most():
    ramp = (torch.arange(8, dtype=torch.uint8) * 16).expand(40, 1, 8, 8)
    moved = (grey_levels(ramp, shift=0.25) - ramp)[:, :, :, 2:-2].abs() / 16
    assert moved.max() <= 2
    assert moved.max() > 1.5


@pytest.mark.parametrize(("strength", "name"), [(0.2, "scale"), (20.0, "rotate")])
def test_scaling_and_rotating_move_pixels_but_not_the_centre(strength, name):
    images = torch.zeros(20, 1, 9, 9, dtype=torch.uint8)
    images[:, :, 4, 4], images[:, :, 0, 0] = 255, 255
    moved = grey_levels(images, **{name: strength})
    assert (moved[:, :, 4, 4] == 255).all()
    assert ((moved - images).abs() > 25).any()


def test_mirroring_rotating_and_scaling_do_not_distort():
    """A ramp of 8 grey levels a pixel in each direction, which places of 1/256 pixel resolve to 1/32 grey level."""
    row_and_column = torch.stack(torch.meshgrid(torch.arange(17), torch.arange(17), indexing="ij")).to(torch.uint8) * 8
    moved = grey_levels(row_and_column.expand(20, 2, 17, 17), flip=True, rotate=20.0, scale=0.25) / 8
    down, right = (moved[:, :, 10, 8] - moved[:, :, 6, 8]) / 4, (moved[:, :, 8, 10] - moved[:, :, 8, 6]) / 4
    torch.testing.assert_close((down * right).sum(1), torch.zeros(20), atol=0.005, rtol=0)
    torch.testing.assert_close(down.norm(dim=1), right.norm(dim=1), atol=0.005, rtol=0)
    assert 1 / 1.25 < down.norm(dim=1).min() < 1 < down.norm(dim=1).max() < 1.25


@given(seed=st.integers(0, 2**32), value=st.integers(0, 255))
@settings(max_examples=30)
def test_moving_brings_nothing_in_from_outside(seed, value):
    images = torch.full((3, 1, 8, 8), value, dtype=torch.uint8)
    assert torch.equal(augment(images, MOVES, torch.Generator().manual_seed(seed)), normalize(images))


def test_recolouring_changes_each_image_by_its_own_factor_and_keeps_grey_grey():
    grey = pictures(6, channels=1).expand(-1, 3, -1, -1)
    recoloured = changed(grey, color=0.3)
    torch.testing.assert_close(recoloured[:, :1].expand(-1, 3, -1, -1), recoloured)
    contrast = recoloured.flatten(1).std(1) / normalize(grey).flatten(1).std(1)
    assert ((contrast - 1).abs() < 0.3 + 1e-3).all()
    assert len(contrast.unique()) == 6


@pytest.mark.parametrize("side", [0.25, 0.5])
def test_a_cutout_blanks_a_square_of_its_share_of_the_width_to_mid_grey(side):
    images = torch.full((60, 3, 8, 8), 223, dtype=torch.uint8)
    blank = changed(images, cutout=side) != normalize(images)
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
