"""`make` refuses what would silently do something else."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


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
