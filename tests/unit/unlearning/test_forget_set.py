"""The record of a request comes back as it was written, or is refused."""

import pytest

from sisa.base.errors import BadInput
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet

REQUEST = ForgetSet("cat", "all", ["a"], {"dog": ["b", "a"], "cat": ["a", "c"]}, {"horse": ["c"]})


def test_affected_shards_keep_their_order_and_ids_are_named_once():
    assert REQUEST.affected == ["dog", "cat"]
    assert REQUEST.ids == ["a", "b", "c"]


@pytest.mark.parametrize("request_", [REQUEST, ForgetSet(None, "dominant", [], {}, {})])
def test_a_record_comes_back_as_it_was_written(request_, tmp_path):
    path = tmp_path / "data" / "forget_set.json"
    forget_set.write(path, REQUEST)
    forget_set.write(path, request_)
    assert forget_set.read(path) == request_
    assert forget_set.read(path).affected == request_.affected
    assert [file.name for file in path.parent.iterdir()] == ["forget_set.json"]


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
    ],
)
def test_a_damaged_record_is_refused(content, tmp_path):
    (tmp_path / "forget_set.json").write_bytes(content)
    with pytest.raises(BadInput, match="dvc checkout --force"):
        forget_set.read(tmp_path / "forget_set.json")
