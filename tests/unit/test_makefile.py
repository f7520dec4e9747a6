"""`make` refuses what would silently do something else."""

import subprocess
from pathlib import Path


def test_photos_without_the_name_of_their_data_set_are_not_ignored(tmp_path):
    (tmp_path / ".venv").mkdir()
    (tmp_path / "requirements.txt").touch()
    (tmp_path / ".venv/ready").touch()
    makefile = Path(__file__).parents[2] / "Makefile"
    done = subprocess.run(
        ["make", "-f", makefile, "data", "FROM=photos"], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "say which data set they are: make data DATASET=animals10 FROM=..." in done.stdout
