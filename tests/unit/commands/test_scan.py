"""Scan counts, and says what to do; the files themselves come on request."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from sisa.base.errors import BadInput
from sisa.commands import data, scan
from sisa.data.images import NoPicture, image_id
from sisa.erasure.scan import Finding, Survey

CLEAN = Survey([], [], [], {"cache": 7}, 5, ["branch old", "commit 0123456789"], [], [])
HELD = [
    Finding("cache", f"files/md5/{n:02}/{'a' * 30}", f"{n:02}{'a' * 30}", 1_000, "photo", "is it", 1) for n in range(9)
]
LOST = Finding("storage", "files/md5/cc/x", "ccx", 500, "checkpoint", "nothing that is left tells", 0)
FOUND = replace(
    CLEAN, findings=HELD, orphans=[LOST], undecided=[replace(LOST, kind="unreadable", path="files/md5/dd/y")]
)


def told(found: Survey, each: bool = False) -> str:
    return "\n".join(scan.told({"e" * 64}, found, each))


def test_a_good_end_names_nothing_but_what_was_looked_at_and_what_was_not_looked_for():
    assert told(CLEAN).splitlines()[0] == "looked for 1 image in 7 files (cache 7), 5 different"
    assert "near-duplicates" in told(CLEAN)
    assert len(told(CLEAN).splitlines()) == 2
    assert "branch old" in told(CLEAN, each=True)


def test_what_was_found_is_counted_by_store_and_kind_with_what_to_do():
    lines = [line.split() for line in told(FOUND).splitlines()]
    for row in (["cache", "photo", "9"], ["storage", "checkpoint", "1"], ["storage", "unreadable", "1"]):
        assert any(line[:3] == row for line in lines), row
    for words in ("python src erase", "takes them along", "by hand", "erased: branch old, commits: 1"):
        assert words in told(FOUND)
    assert "files/md5" not in told(FOUND)


def test_each_file_is_named_on_request():
    printed = told(FOUND, each=True)
    assert all(each.path in printed for each in [*HELD, LOST])
    assert "nothing that is left tells" in printed


def test_a_file_name_that_steers_a_terminal_is_told_as_text():
    odd = replace(HELD[0], store="workspace", path="data/raw/pets/\x1b[2J.png")
    assert odd.line == r"workspace: data/raw/pets/\x1b[2J.png (photo): is it"
    printed = told(replace(CLEAN, findings=[odd]), each=True)
    assert r"data/raw/pets/\x1b[2J.png" in printed
    assert "\x1b" not in printed


def test_near_duplicates_in_the_raw_folder_are_looked_for_as_well(monkeypatch, capsys):
    coarse = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    cat, dog, _ = (np.array(Image.fromarray(each).resize((64, 64))) for each in coarse)
    shown = {"cat/a.png": cat, "cat/damaged.png": NoPicture("damaged"), "dog/b.png": dog, "dog/c.png": cat[:, ::-1]}
    monkeypatch.setattr(data, "load_dataset", lambda name: name)
    monkeypatch.setattr(data, "pictures", lambda dataset: ((file, "", rgb) for file, rgb in shown.items()))
    assert scan.look_alikes({image_id(cat), "e" * 64}, "pets") == {image_id(cat[:, ::-1])}
    assert capsys.readouterr().out.splitlines() == [
        "notice: near-duplicates of 1 image were not looked for: not in data/raw/pets",
        "near-duplicates, looked for as well: 1: dog/c.png (of cat/a.png)",
    ]
    with pytest.raises(BadInput, match="data/raw/pets: holds none of these images"):
        scan.look_alikes({"e" * 64}, "pets")


def test_what_a_scan_for_near_duplicates_does_not_tell_is_said():
    assert "not looked for: near-duplicates that are not in data/raw" in "\n".join(scan.told(set(), CLEAN, False, True))
