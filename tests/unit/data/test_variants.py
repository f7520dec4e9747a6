"""Near copies are the same bytes on every machine, and look like their originals."""

import hashlib

import numpy as np
import pytest

from sisa.data.images import DOMINANT, FLIP, LEAKED, NEAR
from sisa.data.variants import VARIANTS, in_roles, variant

ROWS, COLUMNS = np.mgrid[:28, :28]
GREY = (((ROWS - 14) ** 2 + 2 * (COLUMNS - 10) ** 2 < 90) * 200 + COLUMNS).astype(np.uint8)[None]
COLOUR = np.stack([GREY[0], 255 - GREY[0], (ROWS * 9).astype(np.uint8)])
SHA256 = {  # a machine whose Pillow or libjpeg-turbo rounds otherwise has others
    "flip": ("da5733240fb6747d", "41d1c980c3be19cb"),
    "crop": ("029f22298afb2991", "ccd08368eb3b6860"),
    "recompress": ("fc14d5c60dc82406", "f88d1c0a128d3dbb"),
    "resize": ("af278c20b3ef61ff", "bbe9a8746f9f4935"),
}


def test_each_role_of_a_near_copy_has_its_variant():
    assert tuple(VARIANTS) == NEAR


@pytest.mark.parametrize("role", NEAR)
def test_a_variant_has_these_bytes_on_every_machine(role):
    found = tuple(hashlib.sha256(variant(each, role).tobytes()).hexdigest()[:16] for each in (GREY, COLOUR))
    assert found == SHA256[role]


@pytest.mark.parametrize("role", NEAR)
@pytest.mark.parametrize("image", [GREY, COLOUR, COLOUR[:, :27, :9], GREY[:, :1, :1]])
def test_a_variant_keeps_the_shape(role, image):
    found = variant(image, role)
    assert (found.shape, found.dtype) == (image.shape, np.uint8)


def test_a_flip_is_mirrored_and_the_others_stay_close():
    np.testing.assert_array_equal(variant(COLOUR, FLIP), COLOUR[:, :, ::-1])
    for role in set(NEAR) - {FLIP}:
        difference = np.abs(variant(COLOUR, role).astype(int) - COLOUR).mean()
        assert 0 < difference < 20, role


def test_only_near_copies_change_in_their_roles():
    roles = np.array([DOMINANT, FLIP, LEAKED])
    pixels = np.stack([GREY] * 3)
    found = in_roles(pixels, roles)
    np.testing.assert_array_equal(found, np.stack([GREY, GREY[:, :, ::-1], GREY]))
    assert (pixels == GREY).all()
