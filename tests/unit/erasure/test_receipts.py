"""A receipt says what was removed, by hash, the same each time, and holds no image."""

import json
from dataclasses import replace

import pytest

from sisa.erasure import receipts
from sisa.erasure.receipts import Item, Receipt

RECEIPT = Receipt(
    date="2026-02-01",
    dataset="pets",
    reason="withdrawn",
    asked="cat/1.png",
    images=["a" * 64],
    files=["cat/1.png"],
    objects=[Item("cache", "0" * 32, 1_000, "photo"), Item("cache", "1" * 32, 500, "photo")],
    adopted=["train_shards@cat"],
    trained={"models/shards/pets-2/dog": 1_234},
    unpullable=["branch old", "commit 0123456789", "commit 123456789a"],
    out_of_reach=list(receipts.OUT_OF_REACH),
    scanned={"cache": 12_345},
    left=0,
    undecided=["cache: odd.bin"],
    cleared=["2" * 32],
    tools={"dvc": "3"},
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_programs_find_every_object_by_hash_and_people_find_the_sums():
    data, text = receipts.write(RECEIPT)
    assert [item["hash"] for item in json.loads(data.read_text())["objects"]] == ["0" * 32, "1" * 32]
    printed = text.read_text()
    for part in ("dog: 1,234 samples", "odd.bin", "branch old", "commits: 2", "Scan afterwards: 0 objects"):
        assert part in printed
    assert "a" * 64 in printed
    assert "commit 0123456789" in data.read_text()
    assert ["cache", "photo", "2", "1.50kB"] in [line.split() for line in printed.splitlines()]


def test_writing_it_again_changes_nothing_and_another_erase_has_another_name():
    files = receipts.write(RECEIPT)
    before = [path.read_bytes() for path in files]
    assert receipts.write(RECEIPT) == files
    assert [path.read_bytes() for path in files] == before
    assert not set(receipts.write(replace(RECEIPT, objects=[]))) & set(files)
