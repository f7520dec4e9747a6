"""A request takes out what its scope covers, and digests tell what training sees."""

from dataclasses import replace

import numpy as np
import pytest

from sisa.data.images import Shard
from sisa.training.slicing import slice_digests, untouched_slices
from sisa.unlearning.forget_set import covered

SHARD = Shard(
    ids=np.array(["a", "b", "c", "d", "e", "f"]),
    classes=np.array(["cat", "dog", "cat", "cat", "dog", "cat"]),
    pixels=np.arange(6 * 3 * 2 * 2, dtype=np.uint8).reshape(6, 3, 2, 2),
    roles=np.array(["dominant", "leaked", "dominant", "dominant", "leaked", "dominant"]),
    slices=np.array([0, 0, 0, 1, 1, 2]),
)


def digests(shard):
    return slice_digests(shard, shard.slices, 3)


@pytest.mark.parametrize(
    ("class_", "scope", "ids", "expected"),
    [
        ("cat", "dominant", [], "acdf"),
        ("dog", "dominant", [], ""),  # its copies here have leaked
        ("dog", "all", [], "be"),
        ("cat", "all", [], "acdf"),
        ("horse", "all", [], ""),
        (None, "dominant", [], ""),
        (None, "all", [], ""),
        (None, "dominant", ["b", "f", "z"], "bf"),  # an image is forgotten wherever it was copied
        ("cat", "dominant", ["b", "c"], "abcdf"),
        ("dog", "all", ["b", "c"], "bce"),
    ],
)
def test_the_union_of_a_class_under_its_scope_and_of_images_is_forgotten(class_, scope, ids, expected):
    assert "".join(SHARD.ids[covered(SHARD, class_, scope, ids)]) == expected


def test_an_unknown_scope_is_refused():
    with pytest.raises(ValueError, match="unknown scope 'some'"):
        covered(SHARD, "cat", "some", [])


def test_nothing_is_forgotten_of_an_empty_shard():
    assert covered(SHARD.take(np.zeros(6, bool)), "cat", "dominant", ["a"]).shape == (0,)


def test_a_shard_holds_the_copies_that_are_in_it():
    assert holds(SHARD, {"a", "e", "z"}).tolist() == [True, False, False, False, True, False]
    assert not holds(SHARD, []).any()


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
