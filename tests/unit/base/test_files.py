"""A file goes into place by rename, or not at all."""

import os
from dataclasses import dataclass

import pytest

from sisa.base.errors import BadInput
from sisa.base.files import beside, csv_rows, read_json, write_json


def test_a_file_that_shares_its_bytes_with_the_cache_is_replaced_and_not_written_into(tmp_path):
    cached, path = tmp_path / "cache", tmp_path / "metrics.json"
    cached.write_text("old")
    os.link(cached, path)
    with beside(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert cached.read_text() == "old"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("written", [True, False])
def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, written, error):
    def fail():
        with beside(tmp_path / "file") as part:
            if written:
                part.write_text("half")
            raise error

    (tmp_path / "file").write_text("old")
    with pytest.raises(error):
        fail()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]


def test_folders_on_the_way_are_made_and_nothing_is_left_beside(tmp_path):
    path = tmp_path / "a" / "b" / ("x" * 250)
    with beside(path) as part:
        part.write_text("new")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@dataclass
class Pair:
    a: int
    b: int


def test_json_comes_back_as_it_was_written(tmp_path):
    content = {"removed": {"cat": ["b", "a"]}, "class": None, "share": 0.1}
    write_json(tmp_path / "a.json", content)
    assert read_json(tmp_path / "a.json", dict) == content
    assert list(read_json(tmp_path / "a.json", dict)) == list(content)
    assert (tmp_path / "a.json").read_bytes().endswith(b"}\n")


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"\xff", b"null", b"[]", b"3", b'{"a": 1}', b'{"a": 1, "b": "2"}']
)
def test_json_that_is_missing_or_not_ours_is_refused_with_the_way_back(tmp_path, content):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadInput, match=rf"^{path}: (no such file|not ours, or damaged).*dvc checkout --force {path}"):
        read_json(path, Pair)


def test_a_row_of_a_csv_file_has_the_number_of_its_first_line():
    text = 'a,b\n"1\n1",2\r\n3,4\n'
    assert csv_rows(text, ["a", "b"], "two numbers") == {2: ["1\n1", "2"], 4: ["3", "4"]}
    with pytest.raises(ValueError, match="line 5 is not two numbers"):
        csv_rows(f"{text}\n5,6\n", ["a", "b"], "two numbers")
