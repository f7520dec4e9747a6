"""Near-duplicates are found by their looks, and pictures that merely resemble each other are not."""

import numpy as np
import pytest
from PIL import Image

from sisa.data.images import NEAR
from sisa.data.variants import VARIANTS
from sisa.erasure import near
from sisa.erasure.near import Looks, groups, pairs, square


def picture(seed, size=(96, 128)):
    """A picture [*size, 3] uint8 with large and small features, like no other."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return np.array(Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC))


PICTURES = [picture(seed) for seed in range(20)]


def looks(pictures):
    return Looks.of(map(square, pictures))


@pytest.mark.parametrize("kind", NEAR)
def test_what_was_made_of_a_picture_is_its_near_duplicate_and_no_other_ones(kind):
    made = [np.asarray(VARIANTS[kind](Image.fromarray(each))) for each in PICTURES]
    expected = [[place, place] for place in range(len(PICTURES))]
    assert pairs(looks(PICTURES), looks(made)).tolist() == expected
    assert pairs(looks(made), looks(PICTURES)).tolist() == expected


def test_no_two_of_the_pictures_themselves_are():
    assert groups(looks(PICTURES)) == []


def test_a_hash_only_proposes_and_pixels_decide(monkeypatch):
    monkeypatch.setattr(near, "BITS", 64)
    assert len(near.proposed(looks(PICTURES), looks(PICTURES))) == len(PICTURES) ** 2
    assert pairs(looks(PICTURES), looks(PICTURES)).tolist() == [[place, place] for place in range(len(PICTURES))]


def test_groups_are_of_near_duplicates_by_way_of_others():
    flipped = np.asarray(VARIANTS["flip"](Image.fromarray(PICTURES[3])))
    smaller = np.asarray(Image.fromarray(flipped).resize((60, 45)))
    assert groups(looks([*PICTURES[:5], flipped, PICTURES[7], smaller, PICTURES[7]])) == [[3, 5, 7], [6, 8]]


def test_without_pictures_there_are_no_pairs():
    assert pairs(looks([]), looks(PICTURES)).shape == (0, 2)
    assert groups(looks([])) == []


def test_pictures_of_one_shade_are_not_told_apart_and_so_no_near_duplicates():
    assert groups(looks([np.full((8, 8, 3), shade, np.uint8) for shade in (0, 90, 90, 255)])) == []
