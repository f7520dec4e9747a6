"""Digests tell what training sees, and so where retraining resumes."""

from dataclasses import replace

import numpy as np
import pytest

from sisa.data.images import Shard
from sisa.training.slicing import slice_digests, untouched_slices

SHARD = Shard(
    ids=np.array(["a", "b", "c", "d", "e", "f"]),
    classes=np.array(["cat", "dog", "cat", "cat", "dog", "cat"]),
    pixels=np.arange(6 * 3 * 2 * 2, dtype=np.uint8).reshape(6, 3, 2, 2),
    roles=np.array(["dominant", "leaked", "dominant", "dominant", "leaked", "dominant"]),
    slices=np.array([0, 0, 0, 1, 1, 2]),
)


def digests(shard):
    return slice_digests(shard, shard.slices, 3)


def repainted(row):
    pixels = SHARD.pixels.copy()
    pixels[row, 0, 0, 0] ^= 1
    return replace(SHARD, pixels=pixels)


@pytest.mark.parametrize(
    "other",
    [
        repainted(3),
        replace(SHARD, ids=np.array(["a", "b", "c", "D", "e", "f"])),
        replace(SHARD, classes=np.array(["cat", "dog", "cat", "cow", "dog", "cat"])),
        SHARD.take([0, 1, 2, 4, 3, 5]),
        SHARD.take([0, 1, 2, 3, 5]),
        replace(SHARD, slices=np.array([0, 0, 0, 1, 1, 1])),
    ],
    ids=["pixels", "id", "class", "order", "gone", "moved in"],
)
def test_a_digest_changes_with_what_training_sees_of_its_slice(other):
    assert digests(other)[0] == digests(SHARD)[0]
    assert digests(other)[1] != digests(SHARD)[1]


@pytest.mark.parametrize(
    "same",
    [
        replace(SHARD, roles=np.full(6, "dominant")),
        replace(SHARD, ids=SHARD.ids.astype("<U64"), pixels=np.asfortranarray(SHARD.pixels)),
        SHARD.take([3, 0, 4, 5, 1, 2]),
    ],
    ids=["roles", "memory layout", "order of the slices"],
)
def test_a_digest_changes_with_nothing_else(same):
    assert digests(same) == digests(SHARD)


def test_the_same_bytes_in_another_shape_are_another_slice():
    assert not set(digests(replace(SHARD, pixels=SHARD.pixels.reshape(6, 3, 4, 1)))) & set(digests(SHARD))


def test_an_empty_slice_has_a_digest():
    empty = digests(SHARD.take(SHARD.slices != 1))
    assert len(empty) == 3
    assert empty[1] != digests(SHARD)[1]
    assert empty[::2] == digests(SHARD)[::2]


@pytest.mark.parametrize(
    ("trained", "retained", "count"),
    [("abc", "abc", 3), ("abc", "abx", 2), ("abc", "axc", 1), ("abc", "xbc", 0), ("", "abc", 0), ("ab", "abc", 2)],
)
def test_retraining_resumes_after_the_leading_slices_that_are_the_same(trained, retained, count):
    assert untouched_slices(list(trained), list(retained)) == count
