"""What people do with their photos between `make data` and a run."""

import re
import shutil

import yaml
from support.tiny import TINY

POOL = "data/pool.parquet"


def rename(folder):
    for path in folder.iterdir():
        path.rename(path.with_name(f"IMG_{path.name}"))


def test_a_class_whose_photos_were_all_renamed_is_the_class_that_it_was(fresh):
    fresh.src("prepare")
    before = fresh.files("data")[POOL]
    rename(fresh / "data/raw/tiny/cat")
    assert "cat: 20 images, 0 holes" in fresh.src("prepare").printed
    assert fresh.files("data")[POOL] == before

    assert "renamed, and the same images as before: 20" in fresh.src("data", "--dataset", "tiny").printed
    fresh.src("validate")
    assert "cat: 20 images, 0 holes" in fresh.src("prepare").printed
    assert fresh.files("data")[POOL] == before
    assert "added to data/requests.csv: 1" in fresh.src("forget", "cat/IMG_00.png", "--reason", "asked").printed
    assert "requested before" in fresh.src("forget", "cat/00.png", "--reason", "asked").printed


def test_the_command_that_is_printed_at_the_end_is_an_experiment(fresh, photos, tmp_path):
    zoo = TINY | {"name": "zoo", "test_per_class": 200, "class_sets": {"4": ["cat", "cow", "dog", "horse"]}}
    (fresh / "conf/dataset/zoo.yaml").write_text(yaml.safe_dump(zoo, sort_keys=False))
    given = shutil.copytree(photos, tmp_path / "given", ignore=shutil.ignore_patterns("elephant"))
    printed = fresh.src("data", "--dataset", "zoo", "--from", str(given)).printed
    command = re.search(r"dvc exp run( -S \S+)+", printed)[0]
    fresh.compose(*command.split(" -S ")[1:])
    fresh.src("validate")
    assert "cat: 20 images" in fresh.src("prepare").printed
    fresh.src("split")


def test_git_sees_nothing_of_the_list_of_what_was_left_out(fresh, photos):
    (fresh / "data/raw/tiny/cat/notes.txt").write_text("no photo")
    assert "left out: 1" in fresh.src("data", "--dataset", "tiny").printed
    assert "cat/notes.txt" in (fresh / "data/raw/tiny.left_out.csv").read_text()
    assert "left_out" not in fresh.git("status", "--porcelain", "--untracked-files=all").printed
