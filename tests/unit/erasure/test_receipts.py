"""A receipt says what was removed, by hash, the same each time, and holds no image."""

import json
from dataclasses import replace

import pytest

from sisa.erasure import receipts
from sisa.erasure.receipts import Item, Receipt

RECEIPT = Receipt(
    date="2026-02-01",
    time="2026-02-01T09:30:00Z",
    commit="c" * 40,
    dataset="pets",
    others=["strays"],
    reason="withdrawn",
    asked="cat/1.png",
    images=["a" * 64],
    files=["data/raw/pets/cat/1.png", "data/raw/strays/cat/7.png"],
    copies=["data/raw/strays/cat/7.png"],
    objects=[Item("cache", "0" * 32, 1_000, "photo"), Item("cache", "1" * 32, 500, "photo")],
    orphans=[Item("cache", "3" * 32, 700, "checkpoint")],
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
    assert all(file in printed for file in RECEIPT.files)
    assert ["cache", "checkpoint", "1", "700B"] in [line.split() for line in printed.splitlines()]
    assert "a" * 64 in printed
    assert "commit 0123456789" in data.read_text()
    assert ["cache", "photo", "2", "1.50kB"] in [line.split() for line in printed.splitlines()]


def test_the_person_who_asked_reads_what_was_erased_when_where_it_was_looked_for_and_what_is_out_of_reach():
    said = receipts.statement(RECEIPT)
    for part in (
        "1 image of the data set pets",
        "was erased",
        "2026-02-01",
        "12,345 files in: cache",
        "near-duplicates",
    ):
        assert part in said
    assert "1 that cannot be told" in said
    printed = "\n".join(receipts.lines(RECEIPT))
    assert said in printed
    assert "2026-02-01T09:30:00Z" in printed
    assert f"commit {'c' * 40}" in printed
    assert receipts.NEAR_DUPLICATES in printed


def test_writing_it_again_changes_nothing_and_another_erase_has_another_name():
    files = receipts.write(RECEIPT)
    before = [path.read_bytes() for path in files]
    assert receipts.write(RECEIPT) == files
    assert [path.read_bytes() for path in files] == before
    assert not set(receipts.write(replace(RECEIPT, objects=[]))) & set(files)


def test_no_name_in_it_steers_a_terminal_or_is_no_text():
    odd = "cat/\x1b[2J\udce4.png"
    odd_ones = {"files": [odd], "copies": [odd], "undecided": [odd], "unpullable": [odd], "asked": odd}
    _, text = receipts.write(replace(RECEIPT, **odd_ones))
    assert "\x1b" not in text.read_text()
    assert text.read_text().count(r"cat/\x1b[2J\udce4.png") == len(odd_ones)
