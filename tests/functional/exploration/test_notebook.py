"""The notebook runs on a run that is in place, and `sisa.load` finds the numbers of its metrics files there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sisa
from sisa.base.files import rounded

NOTEBOOK = Path(__file__).parents[3] / "notebooks/explore.ipynb"


def test_what_is_loaded_scores_as_the_pipeline_wrote(five_classes_high):
    run = sisa.load(five_classes_high.path)
    for state in ("before", "after", "retrained"):
        for aggregation, written in five_classes_high.metrics(state)["held_out"].items():
            found = rounded(run.score(state, aggregation).to_dict())
            classes = {f"of {name}": share for name, share in written.pop("class").items()}
            assert found == written | classes
    written = five_classes_high.metrics("baseline")["baseline_full"]["held_out"]
    assert rounded(run.score("baseline_full")["overall"]) == written["overall"]


@pytest.mark.full
def test_the_notebook_runs_from_top_to_bottom(repo):
    (repo / "notebooks").mkdir()
    shutil.copy(NOTEBOOK, repo / "notebooks")
    words = ["--execute", "--to", "notebook", "--output", "executed"]
    done = subprocess.run(
        [sys.executable, "-m", "nbconvert", *words, "explore.ipynb"],
        cwd=repo / "notebooks", check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cells = json.loads((repo / "notebooks/executed.ipynb").read_text())["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    assert [output for output in shown if output.get("name") == "stderr"] == []
    assert sum("image/png" in output.get("data", {}) for output in shown) == 5


def test_the_notebook_is_committed_without_outputs():
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert [cell["outputs"] for cell in cells] == [[]] * len(cells)
    assert {cell["execution_count"] for cell in cells} == {None}
