"""Images erased from the data set that comes as a wheel: they are blank inside its archive, and stay away."""

import gzip
import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.pixels import holders, in_folders
from support.repo import ROOT, Repo, environment
from support.tiny import SILHOUETTES

from sisa import sources
from sisa.base.params import load
from sisa.commands import erase
from sisa.data.images import image_id
from sisa.erasure import renewal, scan, stores
from sisa.sources import wheel

pytestmark = pytest.mark.full

ARCHIVE = "data/raw/animal_mnist/animal_data_version_3.gz"
ROSTER = "data/rosters/animal_mnist.csv"


@pytest.fixture
def silhouettes(fresh, monkeypatch):
    """The embedded data set in a repository of its own, prepared and split."""
    for name, value in environment(fresh.path.parent).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(fresh.path)
    fresh.compose("dataset=animal_mnist", "classes=3")
    if SILHOUETTES.is_dir():
        shutil.copytree(SILHOUETTES, fresh / "data/raw/animal_mnist")
    else:
        wheel.bring_in(load().dataset, None, fresh / "data/raw/animal_mnist")
    shutil.copy(ROOT / ROSTER, fresh / ROSTER)
    fresh.dvc("add", "data/raw/animal_mnist")
    fresh.dvc("repro", "split")
    return fresh


def test_images_of_a_wheel_are_blanked_in_its_archive_and_do_not_come_back(silhouettes):
    shards = [set(silhouettes.shard(name)["id"]) for name in silhouettes.params()["shards"]]
    leaked = min(set.intersection(*shards))
    file = pd.read_csv(silhouettes / ROSTER, index_col="id").loc[leaked, "file"]
    original = (silhouettes / ARCHIVE).read_bytes()
    pixels = [pixels_at(original, int(file.split("#")[1]))]
    places = [silhouettes / "data", silhouettes / ".dvc"]
    found = holders(in_folders(*places), pixels)
    assert str(silhouettes / ARCHIVE) in found
    listed = silhouettes.src("scan", file, code=1).printed
    assert "raw array" in listed
    assert "table of images" in listed

    params = load()
    assert renewal.erase_raw([leaked], "2026-01-01", params.dataset) == [file]
    renewal.dvc_in_sight("repro", "--no-run-cache", "split")
    stored = stores.every()
    scan.remove(scan.survey([leaked], stored).findings, stored)

    assert holders(in_folders(*places), pixels) == []
    blanked = (silhouettes / ARCHIVE).read_bytes()
    record = json.loads((silhouettes / "data/raw/animal_mnist/erased.json").read_text())
    assert record == {"sha256": hashlib.sha256(blanked).hexdigest(), "indices": [int(file.split("#")[1])]}
    assert "added: 0" in brought_in(silhouettes, blanked)
    assert f"left out, erased: 1: {file}" in brought_in(silhouettes, original)
    assert (silhouettes / ARCHIVE).read_bytes() == blanked
    assert silhouettes.dvc("repro", "split").executed == []
    assert "\nnothing" in silhouettes.src("scan", file).printed


def test_a_photo_that_is_in_a_wheel_as_well_is_blanked_there_and_the_rest_of_the_archive_stays(silhouettes):
    silhouettes.compose("classes=3")
    image = image_id(np.array(Image.open(silhouettes / "data/raw/tiny/cat/00.png").convert("RGB")))
    params, stored = load(), stores.every()
    files = erase.raw_files([image], scan.survey([image], stored), params)
    assert files["tiny"] == ["cat/00.png"]
    (file,) = files["animal_mnist"]
    pixels = [pixels_at((silhouettes / ARCHIVE).read_bytes(), int(file.split("#")[1]))]

    for dataset in erase.datasets(list(files), params):
        renewal.erase_raw([image], "2026-01-01", dataset)
    scan.remove(scan.survey([image], stored).findings, stored)
    assert holders(in_folders(silhouettes / "data", silhouettes / ".dvc"), pixels) == []
    others = sources.pictures(
        erase.datasets(["animal_mnist"], params)[0], silhouettes / "data/raw/animal_mnist", ["cat"]
    )
    assert len(list(others)) > 1
    for name in files:
        assert f",{image},erased 2026-01-01\n" in (silhouettes / f"data/rosters/{name}.csv").read_text()


def pixels_at(archive: bytes, index: int) -> bytes:
    """The pixels of one image, 150 bytes after the beginning of what is packed."""
    return gzip.decompress(archive)[150:][index * 28 * 28 :][: 28 * 28]


def brought_in(repo: Repo, archive: bytes) -> str:
    """What `make data` says with this file in the raw folder."""
    (repo / ARCHIVE).write_bytes(archive)
    return repo.src("data", "--dataset", "animal_mnist").printed
