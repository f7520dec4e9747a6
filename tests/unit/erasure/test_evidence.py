"""A receipt of any version tells which images it is for."""

import json
from pathlib import Path

import pytest

from sisa.base.errors import BadInput
from sisa.erasure import evidence


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of receipts, in the current one."""
    monkeypatch.chdir(tmp_path)
    Path("receipts").mkdir()
    return Path("receipts")


def test_the_latest_receipt_of_each_image_of_a_data_set_is_known(folder):
    for name, dataset, images in (("1-a", "pets", ["a", "b"]), ("2-b", "pets", ["b"]), ("3-c", "zoo", ["c"])):
        (folder / f"{name}.json").write_text(json.dumps({"dataset": dataset, "images": images, "more": 1}))
    assert evidence.by_image("pets") == {"a": folder / "1-a.json", "b": folder / "2-b.json"}


def test_without_receipts_none_is_known(folder):
    folder.rmdir()
    assert evidence.by_image("pets") == {}


@pytest.mark.parametrize("content", ["", "{}", '{"dataset": "pets", "images": [1]}'])
def test_a_damaged_receipt_is_named(content, folder):
    (folder / "1-a.json").write_text(content)
    with pytest.raises(
        BadInput, match=r"^receipts/1-a\.json: no receipt of ours, or damaged; restore it: git checkout"
    ):
        evidence.by_image("pets")
