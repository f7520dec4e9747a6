"""The runs that are published are whole, or it is said what to run."""

from dataclasses import replace

import pytest

from sisa.base.errors import BadInput
from sisa.publishing import runs
from sisa.scenarios.grid import Scenario


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


@pytest.mark.parametrize("lacking", [{"influence": None}, {"metrics": {}}])
def test_a_branch_of_an_older_version_is_named_with_what_to_do(run, lacking):
    old = replace(run, choices=Scenario(5, "high"), **lacking)
    with pytest.raises(BadInput, match=r"scenario/5-high has no metrics/influence\.csv; run it again: make scenarios"):
        _ = old.attacked


def test_the_attacks_of_a_run_are_those_that_were_kept_with_it(run):
    assert run.attacked.influence.index.name == "image"
    assert run.attacked.attacks == run.metrics["attacks"]
