"""A request takes out what its scope covers."""

from dataclasses import replace

import numpy as np
import pytest

from sisa.data.images import Shard
from sisa.unlearning.forget_set import ForgetSet, covered, forget

SHARD = Shard(
    ids=np.array(["a", "b", "c", "d", "e", "f"]),
    classes=np.array(["cat", "dog", "cat", "cat", "dog", "cat"]),
    pixels=np.arange(6 * 3 * 2 * 2, dtype=np.uint8).reshape(6, 3, 2, 2),
    roles=np.array(["dominant", "leaked", "dominant", "dominant", "leaked", "dominant"]),
    slices=np.array([0, 0, 0, 1, 1, 2]),
)


@pytest.mark.parametrize(
    ("classes", "scope", "ids", "expected"),
    [
        (("cat",), "dominant", [], "acdf"),
        (("dog",), "dominant", [], ""),  # its copies here have leaked
        (("dog",), "all", [], "be"),
        (("cat",), "all", [], "acdf"),
        (("horse",), "all", [], ""),
        ((), "dominant", [], ""),
        ((), "all", [], ""),
        ((), "dominant", ["b", "f", "z"], "bf"),  # an image is forgotten wherever it was copied
        (("cat",), "dominant", ["b", "c"], "abcdf"),
        (("dog",), "all", ["b", "c"], "bce"),
        (("cat", "dog"), "dominant", [], "acdf"),
        (("cat", "dog"), "all", [], "abcdef"),
        (("dog", "horse"), "all", ["a"], "abe"),
    ],
)
def test_the_union_of_a_class_under_its_scope_and_of_images_is_forgotten(classes, scope, ids, expected):
    assert "".join(SHARD.ids[covered(SHARD, classes, scope, ids)]) == expected


def test_an_unknown_scope_is_refused():
    with pytest.raises(ValueError, match="unknown scope 'some'"):
        covered(SHARD, ("cat",), "some", [])


def test_nothing_is_forgotten_of_an_empty_shard():
    assert covered(SHARD.take(np.zeros(6, bool)), ("cat",), "dominant", ["a"]).shape == (0,)


def test_a_shard_holds_the_copies_that_are_in_it():
    assert SHARD.among({"a", "e", "z"}).tolist() == [True, False, False, False, True, False]
    assert not SHARD.among([]).any()


def test_the_forget_set_names_what_goes_from_each_shard_and_the_copies_that_stay():
    leaked = SHARD.take(np.array([0, 4]))
    shards = {"cat": SHARD, "dog": replace(leaked, roles=np.array(["leaked", "dominant"]))}
    retained, to_forget = forget(shards, ("cat",), "dominant", ["z"])
    assert to_forget == ForgetSet(("cat",), "dominant", ["z"], {"cat": ["a", "c", "d", "f"]}, {"dog": ["a"]})
    assert {name: shard.ids.tolist() for name, shard in retained.items()} == {"cat": ["b", "e"], "dog": ["a", "e"]}
    assert forget(shards, ("cat",), "all", [])[1].residual == {}


def test_of_two_classes_each_is_forgotten_in_its_own_shard_and_its_copies_in_the_other_survive():
    leaked = SHARD.take(np.array([0, 1, 4]))
    shards = {"cat": SHARD, "dog": replace(leaked, roles=np.array(["leaked", "dominant", "dominant"]))}
    retained, to_forget = forget(shards, ("cat", "dog"), "dominant", [])
    assert to_forget.removed == {"cat": ["a", "c", "d", "f"], "dog": ["b", "e"]}
    assert to_forget.residual == {"cat": ["b", "e"], "dog": ["a"]}
    assert {name: shard.ids.tolist() for name, shard in retained.items()} == {"cat": ["b", "e"], "dog": ["a"]}


FLIPPED = replace(SHARD, roles=np.array(["dominant", "flip", "dominant", "dominant", "leaked", "dominant"]))


@pytest.mark.parametrize(
    ("classes", "scope", "ids", "near", "expected"),
    [
        (("dog",), "all", [], False, "e"),
        (("dog",), "all", [], True, "be"),
        (("dog",), "dominant", [], True, ""),  # the scope goes by roles, and a near copy has leaked
        ((), "dominant", ["a", "b"], False, "a"),
        ((), "dominant", ["a", "b"], True, "ab"),
    ],
)
def test_near_copies_are_forgotten_where_the_request_covers_them(classes, scope, ids, near, expected):
    assert "".join(FLIPPED.ids[covered(FLIPPED, classes, scope, ids, near)]) == expected


def test_the_forget_set_tells_near_copies_from_copies():
    dogs = replace(SHARD.take(np.array([1, 4])), roles=np.array(["dominant", "dominant"]))
    shards = {"cat": FLIPPED, "dog": dogs}
    retained, left = forget(shards, ("dog",), "all", [])
    assert (left.removed, left.residual) == ({"cat": ["e"], "dog": ["b", "e"]}, {"cat": ["b"]})
    assert left.near_copies == {"cat": {"b": "flip"}}
    assert (left.copies(left.removed), left.copies(left.residual)) == ((3, 0), (0, 1))
    assert "b" in retained["cat"].ids
    _, gone = forget(shards, ("dog",), "all", [], near=True)
    assert (gone.copies(gone.removed), gone.copies(gone.residual)) == ((3, 1), (0, 0))
