"""The runs that are published are whole, or it is said what to run."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from sisa.attacks.areas import areas, of_one_run
from sisa.base.errors import BadInput
from sisa.publishing import runs


@pytest.fixture
def run(monkeypatch, attacked):
    """The committed run, attacked."""
    monkeypatch.chdir(attacked)
    return runs.in_place()


def test_without_the_needed_metrics_the_error_says_what_to_run():
    with pytest.raises(BadInput, match=r"it lacks metrics/after\.json; run dvc repro, or make scenarios"):
        runs.run(str, [], scenario="it")


def test_a_damaged_file_is_named_with_what_to_do():
    with pytest.raises(BadInput, match=r"it: metrics/after\.json is damaged; run dvc repro, or make scenarios"):
        runs.run(lambda file: "{", ["metrics/after.json"], scenario="it")


def test_the_attacks_of_a_run_are_those_that_were_kept_with_it(run):
    assert of_one_run(run.attacked).keys() == run.metrics["attacks"].keys()


def test_a_run_without_attacks_adds_no_rows(run):
    lacking = replace(run, attacked=None)
    assert runs.over_runs([lacking], areas, lambda run: {}).empty
    assert set(runs.over_runs([lacking, run], areas, lambda run: {"name": run.scenario})["runs"]) == {1}


@pytest.fixture
def locked(monkeypatch, tmp_path):
    """The committed params.yaml in a folder with the committed dvc.lock."""
    root = Path(__file__).parents[3]
    for name in ("params.yaml", "dvc.lock"):
        shutil.copy(root / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load(Path("params.yaml").read_text())


def test_the_committed_metrics_are_of_the_committed_parameters(locked):
    assert runs.outdated(locked) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"seed": 7}, "params.yaml has another seed than baseline_full ran with"),
        ({"forget": {"class": "dog", "scope": "dominant"}}, "params.yaml has another forget than unlearn ran with"),
        ({"dataset": None}, "params.yaml has another dataset than split ran with"),
    ],
)
def test_metrics_of_other_parameters_are_told(locked, changed, why):
    assert runs.outdated(locked | changed) == why


def test_metrics_from_before_the_last_request_are_told(locked):
    lock = yaml.safe_load(Path("dvc.lock").read_text())
    lock["stages"]["unlearn"]["outs"][0]["md5"] = "0" * 32
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    assert lock["stages"]["unlearn"]["outs"][0]["path"] == "data/forget_set.json"
    assert runs.outdated(locked) == "data/forget_set.json has changed since evaluate ran"


def test_without_a_lock_nothing_is_told(locked):
    Path("dvc.lock").unlink()
    assert runs.outdated(locked) == ""
