"""What an erase asks of the workspace, and that it takes nothing that was not asked for without consent."""

import json
import shutil

import pandas as pd
import pytest
import yaml
from support.inside import inside
from support.repo import Repo, environment
from support.tiny import CLASSES, TINY

from sisa.base.errors import BadInput
from sisa.erasure import workspace


@pytest.fixture
def two_data_sets(tmp_path):
    """A pipeline that reads the photos, run and committed; the silhouettes beside it are tracked, and not here."""
    repo = Repo(tmp_path / "two")
    repo.initialize()
    (repo / "data/raw/photos").mkdir(parents=True)
    (repo / "data/raw/photos/a").write_text("a")
    repo.dvc("add", "data/raw/photos")
    out = {"outs": [{"path": "silhouettes", "md5": "0" * 32 + ".dir", "size": 1, "nfiles": 1, "hash": "md5"}]}
    (repo / "data/raw/silhouettes.dvc").write_text(yaml.safe_dump(out))
    repo.write_stages({"use": {"cmd": "cp data/raw/photos/a pool", "deps": ["data/raw/photos"], "outs": ["pool"]}})
    repo.dvc("repro")
    repo.commit("Two data sets")
    return repo


def check(repo: Repo) -> None:
    with inside(repo.path, environment(repo.path.parent)):
        workspace.check()


def test_a_data_set_that_the_pipeline_does_not_read_need_not_be_here(two_data_sets):
    check(two_data_sets)
    (two_data_sets / "pool").unlink()
    with pytest.raises(BadInput, match=r"not as dvc\.lock has them"):
        check(two_data_sets)


@pytest.mark.full
def test_copies_that_nobody_named_go_by_consent_only_here_and_in_other_data_sets(low):
    spare = next(file for file, shards in low.holders().items() if file.startswith("cow") and not shards)
    photo, copy, elsewhere = (
        low / "data/raw" / file for file in (f"tiny/{spare}", "tiny/cow/b.png", "other/cow/c.png")
    )
    shutil.copy(photo, copy)
    for name in CLASSES:
        elsewhere.parent.with_name(name).mkdir(parents=True)
        shutil.copy(photo.parent.with_name(name) / "00.png", elsewhere.parent.with_name(name) / "kept.png")
    shutil.copy(photo, elsewhere)
    (low / "conf/dataset/other.yaml").write_text(yaml.safe_dump(TINY | {"name": "other"}))
    for name in ("tiny", "other"):
        low.src("data", "--dataset", name)
    low.dvc("repro")
    low.commit("Copies")

    names = ["data/raw/other/cow/c.png", "data/raw/tiny/cow/b.png"]
    dry = low.src("erase", spare, "--reason", "asked").printed
    assert all(f"goes as well: {name}" in dry for name in names)
    assert "repeat with --confirm --copies." in dry
    before = low.files("data", "models", ".dvc/cache")
    refused = low.src("erase", spare, "--reason", "asked", "--confirm", code=1)
    assert "files that nobody named (2, listed above)" in refused.complaint
    assert all(name in refused.printed for name in names)
    assert low.files("data", "models", ".dvc/cache") == before

    printed = low.src("erase", spare, "--reason", "asked", "--confirm", "--copies").printed
    assert "git add data/rosters/tiny.csv data/raw/tiny.dvc data/rosters/other.csv data/raw/other.dvc" in printed
    assert not any(path.exists() for path in (photo, copy, elsewhere))
    receipt = json.loads(next((low / "receipts").glob("*.json")).read_text())
    assert receipt["files"] == sorted([*names, f"data/raw/tiny/{spare}"])
    assert receipt["copies"] == names
    for name in ("tiny", "other"):
        listed = pd.read_csv(low / f"data/rosters/{name}.csv")
        assert listed["class"].str.startswith("erased ").sum() == 1
    assert low.dvc("repro").executed == []
    assert "up to date" in low.dvc("status").printed
    assert "\nnothing" in low.src("scan", spare).printed
