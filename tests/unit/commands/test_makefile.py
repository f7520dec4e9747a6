"""`make` refuses what would silently do something else."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def make(folder: Path, *words: str) -> subprocess.CompletedProcess:
    (folder / ".venv").mkdir()
    (folder / "requirements.txt").touch()
    (folder / ".venv/ready").touch()
    command = ["make", "--no-print-directory", "-f", ROOT / "Makefile", *words]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def test_photos_without_the_name_of_their_data_set_are_not_ignored(tmp_path):
    done = make(tmp_path, "data", "FROM=photos")
    assert done.returncode != 0
    assert "say which data set they are: make data DATASET=animals10 FROM=..." in done.stdout


def test_results_run_the_scenarios_of_their_data_set_first(tmp_path):
    done = make(tmp_path, "--dry-run", "results", "DATASET=animals10", "TRAIN=photo", "OPTIONS=--seeds 0 1")
    assert done.stdout.splitlines() == [
        "python src scenarios --dataset animals10 --train photo --seeds 0 1",
        "python src results",
    ]


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["repro"], "python src repro"),
        (["repro", "JOBS=4"], "python src repro --jobs 4"),
        (["repro", "RAY=auto"], "python src repro --ray auto"),
        (
            ["scenarios", "JOBS=4", "DATASET=animals10"],
            "python src scenarios --dataset animals10 --train fast --jobs 4",
        ),
    ],
)
def test_jobs_and_ray_choose_where_stages_run(words, command, tmp_path):
    (tmp_path / "data/raw/animal_mnist").mkdir(parents=True)
    assert command in make(tmp_path, "--dry-run", *words).stdout.splitlines()


def test_the_documentation_shows_the_notebook_run_on_the_experiment(tmp_path):
    for folder in ("data/raw/animal_mnist", "tools"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("requirements-docs.txt", "tools/scripts.py"):
        (tmp_path / file).touch()
    lines = make(tmp_path, "--dry-run", "docs").stdout.splitlines()
    steps = ["python src repro", "tools/reference.py", "--execute", "mkdocs build"]
    places = [next(number for number, line in enumerate(lines) if step in line) for step in steps]
    assert places == sorted(places)
