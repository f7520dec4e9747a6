"""Images that are missing, too few or unreadable, at `make data` and before a run."""

import os
import shutil

import pytest

# As root, permissions bind only a process without these capabilities.
LIKE_A_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@pytest.fixture
def empty(fresh):
    """The repository before any image came in."""
    fresh.dvc("remove", "data/raw/tiny.dvc")
    shutil.rmtree(fresh / "data/raw/tiny")
    (fresh / "data/rosters/tiny.csv").unlink()
    return fresh


@pytest.fixture
def given(photos, tmp_path):
    """A folder of photos to bring in."""
    return shutil.copytree(photos, tmp_path / "given")


def remove_folder(folder):
    shutil.rmtree(folder)


def remove_photos(folder):
    for photo in folder.iterdir():
        photo.unlink()


def corrupt_photos(folder):
    for photo in folder.iterdir():
        photo.write_bytes(photo.read_bytes()[:40])


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (remove_folder, "class dog: no photos in"),
        (remove_photos, "class dog: no photos in"),
        (corrupt_photos, "class dog: 20 files in"),
    ],
)
def test_a_class_without_photos_is_refused_before_anything_is_copied(empty, given, change, complaint):
    change(given / "dog")
    assert complaint in empty.src("data", "--dataset", "tiny", "--from", str(given), code=1).complaint
    assert not (empty / "data/raw/tiny").exists()
    assert not (empty / "data/rosters/tiny.csv").exists()


def test_an_unknown_data_set_is_answered_with_the_list(untouched):
    complaint = untouched.src("data", "--dataset", "foo", code=1).complaint
    assert "unknown data set 'foo'; choose one of animal_mnist, animals10, cifar10, fashion_mnist, tiny" in complaint


@pytest.mark.skipif(not shutil.which("setpriv") and os.geteuid() == 0, reason="root reads everything")
@pytest.mark.parametrize("command", [["data", "--dataset", "tiny"], ["prepare"]])
def test_an_unreadable_raw_folder_is_named(fresh, command):
    (fresh / "data/raw/tiny/dog").chmod(0)
    outcome = fresh.run(*LIKE_A_USER, "python", "src", *command, code=1)
    (fresh / "data/raw/tiny/dog").chmod(0o755)
    assert "data/raw/tiny" in outcome.complaint
    assert "Permission denied" in outcome.complaint


def test_a_missing_raw_folder_is_noticed_before_a_run(fresh):
    shutil.rmtree(fresh / "data/raw/tiny")
    assert (
        "data/raw/tiny: no raw images; bring them in: make data DATASET=tiny" in fresh.src("validate", code=1).complaint
    )


def test_photos_that_became_unreadable_are_holes(fresh):
    corrupt_photos(fresh / "data/raw/tiny/dog")
    assert "dog: 0 images, 20 holes" in fresh.src("prepare").printed
