"""An erase takes what was named; for everything else with the same pixels it wants consent."""

from argparse import Namespace

import pandas as pd
import pytest

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.commands import erase
from sisa.erasure.contents import ARRAY, CHECKPOINT, PHOTO
from sisa.erasure.renewal import Renewal
from sisa.erasure.scan import Finding, Survey
from sisa.sources import roster

CAT, DOG = "c" * 64, "d" * 64


@pytest.fixture(autouse=True)
def pets(tmp_path, monkeypatch):
    """A roster of two images."""
    monkeypatch.chdir(tmp_path)
    rows = [("cat/1.png", CAT, "cat", roster.KEPT), ("dog/1.png", DOG, "dog", roster.KEPT)]
    roster.write(paths.roster("pets"), pd.DataFrame(rows, columns=roster.COLUMNS))


def test_a_raw_file_that_the_roster_does_not_have_under_the_id_was_not_named():
    held = {"pets": ["cat/1.png", "cat/scan.png", "dog/1.png"], "strays": ["cat/1.png"]}
    unnamed = ["data/raw/pets/cat/scan.png", "data/raw/pets/dog/1.png", "data/raw/strays/cat/1.png"]
    assert erase.unnamed(held, [CAT], "pets") == unnamed
    assert erase.unnamed({"pets": ["cat/1.png"]}, [CAT], "pets") == []


def test_a_file_name_of_any_bytes_is_told_as_text():
    assert erase.in_paths({"pets": ["cat/\udce4.png"]}) == ["data/raw/pets/cat/?.png"]


def survey(*found: tuple[str, str, str]) -> Survey:
    findings = [Finding(store, path, "", 1, kind, "", 1) for store, path, kind in found]
    return Survey(findings, [], [], {}, 0, [], [], [])


def test_photos_outside_of_raw_data_are_named_as_well_but_not_what_interrupted_runs_left():
    found = survey(
        ("workspace", "data/backup/x.png", PHOTO),
        ("workspace", "data/raw/unknown/x.gz", ARRAY),
        ("workspace", "data/raw/pets/cat/1.png", PHOTO),
        ("workspace", ".dvc/tmp/exps/1/data/raw/pets/cat/1.png", PHOTO),
        ("workspace", "models/a.safetensors", CHECKPOINT),
        ("cache", "files/md5/00/1", PHOTO),
    )
    assert erase.strays(found, ["pets"]) == ["data/backup/x.png", "data/raw/unknown/x.gz"]


def test_what_nobody_named_goes_only_with_copies_and_a_plan_needs_no_consent():
    def check(files: list[str], **options: bool) -> None:
        erase.check_consent(Renewal(), files, Namespace(retrain=False, **options))

    check(["data/raw/pets/cat/scan.png"], confirm=False, copies=False)
    check(["data/raw/pets/cat/scan.png"], confirm=True, copies=True)
    check([], confirm=True, copies=False)
    with pytest.raises(BadInput, match=r"nobody named \(1, listed above\).*repeat with --copies"):
        check(["data/raw/pets/cat/scan.png"], confirm=True, copies=False)


def test_every_data_set_whose_raw_images_have_it_is_told_to_git():
    line = erase.git_line(["pets", "strays"])
    assert "data/rosters/pets.csv data/raw/pets.dvc data/rosters/strays.csv data/raw/strays.dvc dvc.lock" in line


def test_a_copy_whose_name_steers_a_terminal_is_told_as_text(monkeypatch):
    monkeypatch.setattr(erase, "unpullable", lambda found: [])
    told = list(erase.consequences(survey(), Renewal(), ["data/raw/pets/\x1b[2J.png"]))
    assert told[0].endswith(r"goes as well: data/raw/pets/\x1b[2J.png")
