"""What is printed after a run."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from sisa.base.errors import BadInput
from sisa.commands import summary
from sisa.publishing import runs

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def run(monkeypatch, attacked):
    """The committed run, attacked."""
    monkeypatch.chdir(attacked)
    return runs.in_place()


def printed(monkeypatch, capsys, run, **changed):
    monkeypatch.setattr(runs, "in_place", lambda: replace(run, **changed))
    summary.main(Namespace())
    return capsys.readouterr().out


def test_where_nothing_is_decided_the_rest_is_said(monkeypatch, capsys, run):
    undecided = {"held_out": {"prior_corrected": {"undecided": 1.0}}}
    metrics = {state: run.metrics[state] | undecided for state in ("before", "after", "retrained")}
    text = printed(monkeypatch, capsys, run, metrics=run.metrics | metrics)
    assert [line.split() for line in text.splitlines() if line.startswith("retrained")] == [
        ["retrained", "5", "-"],
        ["retrained", "-"],
    ]
    assert "residual copies in the retrained ensemble: 200\n" in text
    leaked = "50 images of each class leaked into every other shard; cat forgotten at scope dominant"
    assert text.startswith(
        f"scenario in the workspace: animal_mnist, 5 classes; {leaked}; aggregation prior_corrected, "
    )


def test_shards_of_random_images_are_said_to_be_such(run):
    sharding = {"kind": "iid", "shards": 2, "names": {}, "folder": "animal_mnist-5-iid-2"}
    said = summary.scenario_line(run.params | {"sharding": sharding, "shards": ["iid-1", "iid-2"]})
    assert "animal_mnist, 5 classes; each image in one of 2 shards, at random; cat forgotten" in said


@pytest.mark.parametrize(
    ("leaked", "reach", "restricted", "expected"),
    [
        (0, 0, ["cat"], "no image leaked: each shard has its own class only"),
        (1, "all", ["cat"], "1 image of each class leaked into every other shard"),
        (50, 1, [], "50 images of each class leaked into every other shard"),
        (50, 0, ["cat"], "50 images of each class leaked into every other shard, but those of cat into no shard"),
        (
            5,
            1,
            ["cat"],
            "5 images of each class leaked into every other shard, but those of cat into the next shard only",
        ),
        (
            5,
            2,
            ["cat", "dog"],
            "5 images of each class leaked into every other shard, but those of cat, dog into the next 2 shards only",
        ),
    ],
)
def test_leakage_is_told_in_words(leaked, reach, restricted, expected):
    assert summary.leakage_in_words({"leaked": leaked, "reach": reach, "restricted": restricted}) == expected


def test_several_forgotten_classes_are_named(monkeypatch, capsys, run):
    forget = {"class": ["cat", "cow", "dog"], "scope": "all"}
    text = printed(monkeypatch, capsys, run, params=run.params | {"forget": forget})
    assert "; cat, cow and dog forgotten at scope all; " in text
    assert "overall (and of the forgotten classes: cat, cow and dog)\n" in text
    assert "of the forgotten classes: held-out images named and others taken for one of them, in percent, " in text


def test_where_nothing_is_forgotten_there_is_no_speed_up(monkeypatch, capsys, run):
    nothing = {"retraining": {"samples": 0}, "scope": {"dominant": {"samples": 0}, "all": {"samples": 0}}}
    text = printed(
        monkeypatch,
        capsys,
        run,
        params=run.params | {"forget": {"class": None, "scope": "dominant"}},
        metrics=run.metrics | {"cost": run.metrics["cost"] | nothing},
    )
    assert "AUROC" not in text
    assert "full retraining 32,000, unlearning 0; at scope dominant 0, at scope all 0\n" in text


def test_a_cost_report_of_another_version_is_refused(monkeypatch, capsys, run):
    with pytest.raises(BadInput, match=r"metrics/cost\.json: not what this version writes; run dvc repro"):
        printed(monkeypatch, capsys, run, metrics=run.metrics | {"cost": {}})


def test_figures_of_another_run_are_announced_as_such(monkeypatch, capsys, run):
    monkeypatch.setattr(runs, "outdated", lambda params: "params.yaml has another seed than baseline_full ran with")
    first = printed(monkeypatch, capsys, run).splitlines()[0]
    assert first.startswith("notice: these figures are of another run: params.yaml has another seed than ")
    assert first.endswith("; run dvc repro")


def test_the_output_in_the_readme_is_that_of_the_committed_run(monkeypatch, capsys, run):
    _, block, _ = README.read_text().split("It ends with this")[1].split("```", 2)
    lines = [line for line in block.splitlines() if line not in ("", "...")]
    text = printed(monkeypatch, capsys, run)
    assert len(lines) >= 9
    assert [line for line in lines if not any(each.startswith(line) for each in text.splitlines())] == []


def test_near_copies_that_leaked_are_told_in_words():
    said = summary.leakage_in_words({"leaked": 50, "reach": "all", "restricted": [], "kind": "flip"})
    assert said == "50 images of each class leaked into every other shard as flip"
