"""`python src data` on tiny photos, as people run it."""

import io
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image, ImageOps

from sisa.base.errors import BadInput
from sisa.base.params import Dataset
from sisa.commands import data
from sisa.repository.git import git
from sisa.sources import roster

ROOT = Path(__file__).parents[3]
ANIMALS10 = ROOT.parent / "shared/animals10"
FASHION = Path("/usr/share/datasets/fashion-mnist")
PETS = {
    "name": "pets",
    "image_size": 8,
    "channels": 3,
    "test_per_class": 1,
    "forget_class": "cat",
    "class_sets": {"2": ["cat", "dog"]},
    "source": {"kind": "folder", "other_names": {"cat": "gatto"}},
}


def photo(seed):
    content = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def put(folder, photos):
    for file, content in photos.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    return folder


PHOTOS = {f"{name}/{n}.png": photo(100 * (name == "dog") + n) for name in ("cat", "dog") for n in range(4)}
RAW, ROSTER = Path("data/raw/pets"), Path("data/rosters/pets.csv")


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A folder with a data set `pets`, and no DVC."""
    (tmp_path / "conf/dataset").mkdir(parents=True)
    (tmp_path / "conf/dataset/pets.yaml").write_text(yaml.safe_dump(PETS))
    shutil.copytree(ROOT / "conf/leakage", tmp_path / "conf/leakage")
    shutil.copy(ROOT / "conf/config.yaml", tmp_path / "conf")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "dvc", lambda *arguments: None)
    return tmp_path


@pytest.fixture
def bring(monkeypatch, call):
    def command(name, origin=None):
        source = ["--from", str(origin)] if origin else []
        call(data, "--dataset", name, *source)

    return command


def test_photos_come_in_and_are_listed(repo, bring, capsys):
    bring("pets", put(repo / "photos", PHOTOS))
    assert set(roster.read(ROSTER)["file"]) == set(PHOTOS)
    printed = capsys.readouterr().out
    assert "8 images on the roster data/rosters/pets.csv: cat 4, dog 4" in printed
    assert "dvc exp run -S dataset=pets -S train=photo -S classes=2" in printed
    assert "git add data/rosters/pets.csv data/raw/pets.dvc" in printed


def test_a_tilde_that_the_shell_left_alone_is_the_home_folder(repo, bring, monkeypatch):
    monkeypatch.setenv("HOME", str(repo))
    put(repo / "photos", PHOTOS)
    bring("pets", "~/photos")
    assert len(roster.read(ROSTER)) == 8


def test_what_is_left_out_is_counted_and_named(repo, bring, capsys):
    extra = {
        "cat/broken.jpg": PHOTOS["cat/0.png"][:60],
        "cat/copy.png": PHOTOS["cat/0.png"],
        "dog/same.png": PHOTOS["cat/1.png"],
    }
    bring("pets", put(repo / "photos", PHOTOS | extra))
    printed = capsys.readouterr().out
    assert "cannot be decoded: 1: cat/broken.jpg" in printed
    assert "duplicates of a picture that is kept: 1: cat/copy.png (as cat/0.png)" in printed
    assert "the same picture under two classes: 2: cat/1.png (also dog), dog/same.png (also cat)" in printed
    assert "left out: 4\n" in printed
    assert "data/raw/pets.left_out.csv" in printed
    rows = Path("data/raw/pets.left_out.csv").read_text().splitlines()
    assert rows[:2] == ["file,reason,other", "cat/broken.jpg,cannot be decoded,"]
    assert len(rows) == 5


def test_near_duplicates_stay_on_the_roster_and_are_named(repo, bring, capsys):
    flipped = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(PHOTOS["dog/1.png"]))).save(flipped, "PNG")
    bring("pets", put(repo / "photos", PHOTOS | {"cat/flipped.png": flipped.getvalue()}))
    printed = capsys.readouterr().out
    assert "9 images on the roster" in printed
    assert "near-duplicates, which all stay on the roster, in groups: 1: " in printed
    rows = Path("data/raw/pets.near_duplicates.csv").read_text().splitlines()
    assert (rows[0], sorted(rows[1:])) == ("group,file", ["1,cat/flipped.png", "1,dog/1.png"])
    (RAW / "cat/flipped.png").unlink()
    (repo / "data/rosters/pets.csv").unlink()
    bring("pets")
    assert "near-duplicates" not in capsys.readouterr().out
    assert not Path("data/raw/pets.near_duplicates.csv").exists()


def test_names_that_command_a_terminal_are_printed_as_text(repo, bring, capsys):
    bring("pets", put(repo / "photos", PHOTOS | {"cat/\x1b[2J.jpg": b"x"}))
    assert r"cat/\x1b[2J.jpg" in capsys.readouterr().out


def test_renamed_photos_stay_the_images_that_they_were(repo, bring, capsys):
    bring("pets", put(repo / "photos", PHOTOS))
    first = ROSTER.read_bytes()
    for path in (RAW / "cat").iterdir():
        path.rename(path.with_name(f"IMG_{path.name}"))
    bring("pets")
    printed = capsys.readouterr().out
    assert "8 images on the roster data/rosters/pets.csv: cat 4, dog 4" in printed
    assert "renamed, and the same images as before: 4: cat/IMG_0.png (was cat/0.png)" in printed
    assert "duplicates" not in printed
    assert ROSTER.read_bytes().startswith(first)
    bring("pets")
    assert "added: 0; on the roster already: 8\nleft out: 0\n" in capsys.readouterr().out


FOUR = Dataset.model_validate(PETS | {"test_per_class": 200, "class_sets": {"4": ["cat", "dog", "emu", "fox"]}})
CONFIG = {"classes": 5, "defaults": [{"leakage": "high"}]}


def test_the_next_command_fits_the_classes_and_how_many_images_they_have(repo):
    counts = dict.fromkeys(["cat", "dog", "emu"], 150) | {"fox": 160}
    few = {"classes": "4", "dataset.test_per_class": 30, "leakage.dominant": 120, "leakage.leaked": 8}
    assert data.fitting(FOUR, counts, CONFIG) == few
    assert data.fitting(FOUR, dict.fromkeys(counts, 1000), CONFIG | {"classes": 4}) == {}
    for size, choice in few.items():
        assert f"-S {size}={choice}" in data.what_next(FOUR, counts)
    assert "to go on:       bring in more of fox: one image" in data.what_next(FOUR, counts | {"fox": 1})


def test_running_again_only_appends(repo, bring):
    bring("pets", put(repo / "photos", PHOTOS))
    first = ROSTER.read_bytes()
    bring("pets")
    bring("pets", repo / "photos")
    assert ROSTER.read_bytes() == first
    bring("pets", put(repo / "more", {"gatto/new.png": photo(7), "gatto/0.png": photo(8)}))
    assert ROSTER.read_bytes().startswith(first)
    assert len(roster.read(ROSTER)) == 10


def test_a_photo_changed_in_place_comes_in_as_a_new_image(repo, bring):
    bring("pets", put(repo / "photos", PHOTOS))
    put(RAW, {"cat/0.png": photo(9)})
    bring("pets")
    assert list(roster.read(ROSTER)["file"]).count("cat/0.png") == 2


def test_a_deleted_class_keeps_its_place_on_the_roster(repo, bring):
    bring("pets", put(repo / "photos", PHOTOS))
    first = ROSTER.read_bytes()
    shutil.rmtree(RAW / "cat")
    bring("pets")
    assert ROSTER.read_bytes() == first


def test_an_erased_picture_is_not_brought_in_again(repo, bring, capsys):
    bring("pets", put(repo / "photos", PHOTOS))
    listed = roster.read(ROSTER)
    gone = listed.loc[listed["file"] == "cat/0.png", "id"].tolist()
    roster.write(ROSTER, roster.mark(listed, gone, "2026-02-01"))
    (RAW / "cat/0.png").unlink()
    before = ROSTER.read_bytes()
    bring("pets", put(repo / "photos", {"cat/copy.png": PHOTOS["cat/0.png"]}))
    assert "left out, erased: 2: cat/0.png, cat/copy.png" in capsys.readouterr().out
    assert ROSTER.read_bytes() == before
    assert sorted(path.name for path in (RAW / "cat").iterdir()) == ["1.png", "2.png", "3.png"]


def test_an_erased_picture_that_lies_in_the_raw_folder_again_is_named_and_neither_deleted_nor_tracked(
    repo, bring, monkeypatch
):
    bring("pets", put(repo / "photos", PHOTOS))
    listed = roster.read(ROSTER)
    gone = listed.loc[listed["file"] == "cat/0.png", "id"].tolist()
    roster.write(ROSTER, roster.mark(listed, gone, "2026-02-01"))
    put(RAW, {"cat/mine.png": PHOTOS["cat/0.png"]})
    before = {path: path.read_bytes() for path in repo.rglob("*") if path.is_file()}
    monkeypatch.setattr(data, "dvc", lambda *arguments: pytest.fail("DVC tracks it"))
    complaint = (
        "data/raw/pets has files again .* erased for good: 2: cat/0.png, cat/mine.png; delete them, or move them"
    )
    for origin in (None, put(repo / "more", {"cat/new.png": photo(50)})):
        before |= {path: path.read_bytes() for path in (repo / "more").rglob("*.png")}
        with pytest.raises(BadInput, match=complaint):
            bring("pets", origin)
        assert {path: path.read_bytes() for path in repo.rglob("*") if path.is_file()} == before


def test_a_roster_that_lost_a_committed_mark_brings_no_erased_picture_in_again(repo, bring):
    photos = put(repo / "photos", PHOTOS)
    bring("pets", photos)
    listed = roster.read(ROSTER)
    before = ROSTER.read_bytes()
    roster.write(ROSTER, roster.mark(listed, {listed["id"][0]}, "2026-01-31"))
    git("init", "--quiet")
    git("add", str(ROSTER))
    git("-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "--quiet", "--message", "Erase")
    ROSTER.write_bytes(before)  # as `dvc exp apply` of an older experiment does
    with pytest.raises(BadInput, match=r"pets\.csv lacks the marks of 1 erased image; .*git checkout HEAD -- data/"):
        bring("pets", photos)
    assert ROSTER.read_bytes() == before
    git("checkout", "HEAD", "--", str(ROSTER))
    (RAW / listed["file"][0]).unlink()
    bring("pets", photos)
    assert len(roster.erased_ids(roster.read(ROSTER))) == 1


@pytest.mark.parametrize("content", [b"corrupt", PHOTOS["dog/0.png"]])
def test_a_class_without_one_usable_image_leaves_no_roster_behind(repo, bring, content):
    put(RAW, {file: content if file.startswith("cat") else photos for file, photos in PHOTOS.items()})
    with pytest.raises(BadInput, match="class cat: no image that can be decoded"):
        bring("pets")
    assert not ROSTER.exists()


def test_a_foreign_roster_is_refused_before_photos_are_copied(repo, bring):
    put(Path(), {str(ROSTER): b"something else\n"})
    with pytest.raises(BadInput, match=r"pets\.csv: not a roster"):
        bring("pets", put(repo / "photos", PHOTOS))
    assert not RAW.exists()


def test_an_unknown_data_set_is_answered_with_the_list(repo, bring):
    with pytest.raises(BadInput, match="unknown data set 'pest'; choose one of pets"):
        bring("pest")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": -8}, "image_size is -8"),
        ({"image_size": "8"}, "image_size is '8'"),
        ({"name": "cats"}, "its name is cats"),
        ({"source": {"kind": "url"}}, "source"),
    ],
)
def test_a_data_set_that_is_described_wrongly_is_refused(repo, bring, change, message):
    (repo / "conf/dataset/pets.yaml").write_text(yaml.safe_dump(PETS | change))
    with pytest.raises(BadInput, match=f"pets.yaml: .*{message}"):
        bring("pets")


def test_dvc_tracks_the_raw_folder_and_an_unchanged_one_keeps_its_dvc_file(tmp_path):
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    put(tmp_path, {"conf/dataset/pets.yaml": yaml.safe_dump(PETS).encode()})
    put(tmp_path / "photos", PHOTOS)
    (tmp_path / "dvc.yaml").touch()
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet", "--no-scm"], cwd=tmp_path, check=True)

    def run(*arguments):
        command = [sys.executable, "src", "data", "--dataset", "pets", *arguments]
        return subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)

    assert run().stderr.startswith("error in data: data/raw/pets: no photos yet")
    assert run("--from", "photos").returncode == 0
    tracked = (tmp_path / "data/raw/pets.dvc").read_bytes()
    assert run().returncode == 0
    assert (tmp_path / "data/raw/pets.dvc").read_bytes() == tracked
    (tmp_path / RAW / "cat/0.png").unlink()
    assert run().returncode == 0
    assert (tmp_path / "data/raw/pets.dvc").read_bytes() != tracked


@pytest.mark.skipif(not ANIMALS10.is_dir(), reason="needs the photos of ../shared/animals10")
def test_animals10_comes_in_whole(repo, bring, capsys):
    shutil.copy(ROOT / "conf/dataset/animals10.yaml", "conf/dataset")
    bring("animals10", ANIMALS10)
    assert "6,000 images on the roster" in capsys.readouterr().out


@pytest.mark.skipif(not FASHION.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_fashion_mnist_of_debian_comes_in_whole(repo, bring, capsys):
    shutil.copy(ROOT / "conf/dataset/fashion_mnist.yaml", "conf/dataset")
    bring("fashion_mnist", FASHION)
    assert "bag 7,000, dress 7,000, sneaker 7,000, t-shirt 7,000, trouser 7,000" in capsys.readouterr().out
