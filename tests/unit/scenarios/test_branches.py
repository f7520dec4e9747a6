"""Which scenario branches are out of date: those whose stages would do something else, and no others."""

from pathlib import Path

import pytest

from sisa.repository.git import git
from sisa.scenarios import branches

STAGES = """\
# how models are made
stages:
  train:
    desc: trains
    cmd: python src train
    deps:
    - src/train
    - data/images
  retrain:
    foreach: [cat, dog]
    do:
      desc: trains again
      cmd: python src retrain ${item}
plots:
- plots/loss.csv: {title: Loss}
"""
LOCK = """\
schema: '2.0'
stages:
  train:
    cmd: python src train
    deps:
    - {path: src/train, md5: 0.dir}
    - {path: data/images, md5: 1.dir}
"""
FILES = {
    "dvc.yaml": STAGES,
    "dvc.lock": LOCK,
    "src/train/loop.py": "epochs = 1\n",
    "src/page/chart.py": "",
    "docs/a.md": "",
    "data/raw/photos.dvc": "outs:\n- md5: 2.dir\n",
}


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A repository with a run on the branch `run`, which HEAD goes on from."""
    monkeypatch.chdir(tmp_path)
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@b.c")
    git("init", "--quiet")
    commit(**FILES)
    git("branch", "run")


def commit(**files):
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    git("add", "--all")
    git("commit", "--quiet", "--message", "x")


def changed():
    return branches.changed_inputs("run", "HEAD", "photos")


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize(
    "files",
    [
        {"dvc.yaml": STAGES.replace("title: Loss", "title: Training loss")},
        {"dvc.yaml": STAGES.replace("trains", "makes a model of each shard")},
        {
            "dvc.yaml": STAGES.replace("how models are made", "top to bottom").replace(
                "[cat, dog]", "\n    - cat\n    - dog"
            )
        },
        {"src/page/chart.py": "colour = 'red'\n", "docs/a.md": "# A\n"},
    ],
    ids=["plots", "desc", "comment and layout", "page and docs"],
)
def test_words_plots_and_pages_make_no_branch_out_of_date(files):
    commit(**files)
    assert changed() == []


@pytest.mark.usefixtures("repo")
@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"dvc.yaml": STAGES.replace("src train", "src train --fast")}, ["dvc.yaml"]),
        ({"dvc.yaml": STAGES.replace("src retrain", "src retrain --fast")}, ["dvc.yaml"]),
        ({"dvc.yaml": STAGES.replace("[cat, dog]", "[cat]")}, ["dvc.yaml"]),
        ({"src/train/loop.py": "epochs = 2\n"}, ["src/train/loop.py"]),
        ({"data/raw/photos.dvc": "outs:\n- md5: 3.dir\n"}, ["data/raw/photos.dvc"]),
    ],
    ids=["command", "command of a foreach", "foreach", "code", "images"],
)
def test_what_stages_do_and_depend_on_makes_a_branch_out_of_date(files, found):
    commit(**files)
    assert changed() == found
