"""The record of a request comes back as it was written, or is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from sisa.base.errors import BadInput
from sisa.data.images import Images
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet, with_survivors

REQUEST = ForgetSet(("cat",), "all", ["a"], {"dog": ["b", "a"], "cat": ["a", "c"]}, {"horse": ["c"]})


def test_affected_shards_keep_their_order_and_ids_are_named_once():
    assert REQUEST.affected == ["dog", "cat"]
    assert REQUEST.ids == ["a", "b", "c"]


def test_images_of_which_several_shards_held_a_copy_had_leaked():
    assert REQUEST.leaked == {"a", "c"}


def test_what_is_retained_and_what_survives_are_each_there_once():
    union = Images(np.array(["a", "b", "c", "d"]), np.array(["cat"] * 3 + ["dog"]), np.zeros((4, 1, 1, 1), np.uint8))
    assert with_survivors(union, REQUEST).ids.tolist() == ["c", "d"]
    nothing_survives = replace(REQUEST, residual={})
    assert with_survivors(union, nothing_survives).ids.tolist() == ["d"]


def test_what_survives_as_a_near_copy_is_there_as_that_copy():
    pixels = np.arange(8, dtype=np.uint8).reshape(4, 1, 1, 2)
    union = Images(np.array(["a", "b", "c", "d"]), np.array(["cat"] * 3 + ["dog"]), pixels)
    flipped = replace(REQUEST, near_copies={"horse": {"c": "flip"}})
    assert with_survivors(union, flipped).pixels.ravel().tolist() == [5, 4, 6, 7]


def test_a_record_from_before_there_were_near_copies_is_read(tmp_path):
    file = tmp_path / "forget_set.json"
    file.write_text('{"class": "cat", "scope": "all", "images": [], "removed": {}, "residual": {}}')
    assert forget_set.read(file) == ForgetSet(("cat",), "all", [], {}, {})


@pytest.mark.parametrize(
    "request_", [REQUEST, ForgetSet((), "dominant", [], {}, {}), ForgetSet(("cat", "dog"), "dominant", [], {}, {})]
)
def test_a_record_comes_back_as_it_was_written(request_, tmp_path):
    path = tmp_path / "data" / "forget_set.json"
    forget_set.write(path, REQUEST)
    forget_set.write(path, request_)
    assert forget_set.read(path) == request_
    assert forget_set.read(path).affected == request_.affected
    assert [file.name for file in path.parent.iterdir()] == ["forget_set.json"]


@pytest.mark.parametrize(("classes", "written"), [((), None), (("cat",), "cat"), (("cat", "dog"), ["cat", "dog"])])
def test_a_record_names_one_class_as_a_text_and_several_as_a_list(classes, written, tmp_path):
    forget_set.write(tmp_path / "forget_set.json", ForgetSet(classes, "all", [], {}, {}))
    assert json.loads((tmp_path / "forget_set.json").read_text())["class"] == written


def test_a_missing_record_is_refused_with_the_way_back(tmp_path):
    with pytest.raises(BadInput, match=r"forget_set\.json: no such file; .*dvc checkout .*dvc repro"):
        forget_set.read(tmp_path / "forget_set.json")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b'{"class": "cat", "scope": "dominant", "remo',
        b"null",
        b"[]",
        b'{"class": null, "scope": "dominant", "images": [], "residual": {}}',
        b'{"class": "cat", "scope": "dominant", "removed": {}, "residual": {}}',
        b'{"class": "cat", "scope": "dominant", "images": [], "removed": {}}',
        b'{"class": "cat", "scope": "dominant", "images": [], "removed": ["a"], "residual": {}}',
        b'{"class": "cat", "scope": "dominant", "images": [], "removed": {"cat": 3}, "residual": {}}',
        b'{"class": ["cat"], "scope": "dominant", "images": [], "removed": {}, "residual": {}}',
    ],
)
def test_a_damaged_record_is_refused(content, tmp_path):
    (tmp_path / "forget_set.json").write_bytes(content)
    with pytest.raises(BadInput, match="dvc checkout --force"):
        forget_set.read(tmp_path / "forget_set.json")
