"""Commands as people type them."""

import json

import pandas as pd
import pytest

OF_DOG = ["baseline_retrained", "cost", "evaluate", "predict", "retrain@cat", "retrain@dog", "unlearn"]


def test_a_second_repro_runs_nothing(repo):
    assert len(repo.locked()) == 19
    assert repo.dvc("repro").executed == []
    assert repo.git("status", "--short").printed == ""


def test_leakage_and_classes_are_choices_of_exp_run(low):
    params = low.params()
    assert (params["classes"], params["shards"]) == (3, ["cat", "dog", "horse"])
    assert (params["leakage"]["reach"], params["leakage"]["restricted"]) == (1, ["cat"])
    matrix = pd.read_csv(low / "data/leakage_matrix.csv").pivot(index="shard", columns="class", values="images")
    assert matrix.to_numpy().tolist() == [[12, 3, 3], [3, 12, 3], [0, 3, 12]]
    assert low.metrics("before")["members"] == 3
    assert "up to date" in low.dvc("status").printed


@pytest.mark.full
def test_forgetting_another_class_executes_only_what_depends_on_it(repo):
    repo.empty_run_cache()
    assert sorted(repo.dvc("exp", "run", "-S", "forget.class=dog").executed) == OF_DOG
    assert json.loads((repo / "data/forget_set.json").read_text())["removed"].keys() == {"dog"}


@pytest.mark.parametrize("choice", ["leakage=medium", "train=foo", "dataset=foo"])
def test_a_choice_that_hydra_rejects_leaves_the_workspace_as_it_was(repo, choice):
    before = repo.files("data", "models", "metrics", "plots")
    assert choice.split("=")[1] in repo.dvc("exp", "run", "-S", choice, code=255).printed
    assert repo.files("data", "models", "metrics", "plots") == before
    assert repo.git("status", "--short").printed == ""
    assert "up to date" in repo.dvc("status").printed


def test_metrics_of_two_branches_can_be_compared(repo, low):
    repo.git("fetch", "--quiet", str(low.path), "three:three")
    overall = "held_out.prior_corrected.overall"
    compared = json.loads(
        repo.dvc("metrics", "diff", "--json", "main", "three", "--targets", "metrics/before.json").printed
    )["metrics/before.json"]
    old, new = (metrics.metrics("before")["held_out"]["prior_corrected"]["overall"] for metrics in (repo, low))
    assert (compared[overall]["old"], compared[overall]["new"]) == (old, new)
    assert (compared["members"]["old"], compared["members"]["new"]) == (5, 3)
    assert len(repo.dvc("metrics", "diff", "main", "three").printed.splitlines()) < 40  # of the summary alone


def test_metrics_are_shown_in_short_and_by_file(repo):
    short = repo.dvc("metrics", "show").printed
    assert "retrained.residual_copies" in short
    assert "metrics/cost.json" not in short
    assert "speed_up" in repo.dvc("metrics", "show", "metrics/cost.json").printed


def test_experiments_are_shown_with_their_parameters_and_metrics(low):
    (low / "experiments.csv").write_text(low.dvc("exp", "show", "--csv").printed)
    shown = pd.read_csv(low / "experiments.csv")
    workspace = shown[shown["Experiment"].isna() & shown["rev"].eq("workspace")].iloc[0]
    assert workspace["before.members"] == 3
    assert workspace["classes"] == 3


def test_plots_are_written_as_a_web_page(repo):
    repo.dvc("plots", "show", "--out", "dvc_plots")
    page = (repo / "dvc_plots/index.html").read_text()
    for plot in ("accuracy", "loss", "confusion_before", "confusion_after", "confusion_retrained"):
        assert f"vegaEmbed('#plots_{plot}_csv'" in page
    assert "vegaEmbed('#data_leakage_matrix_csv'" in page


def test_the_report_has_a_row_for_each_state_and_baseline(repo):
    printed = repo.src("summary").printed
    rows = [line.split()[0] for line in printed.splitlines()]
    for state in ("before", "after", "retrained", "baseline_full", "baseline_retrained"):
        assert rows.count(state) == 2  # accuracies, and what is left of the class
    assert "residual copies in the retrained ensemble: 12" in printed
    again, full = (repo.metrics("cost")[name]["samples"] for name in ("retraining", "baseline_retrained"))
    assert f"full retraining {full:,}, unlearning {again:,} (speed-up {full / again:.1f})" in printed


def test_without_a_name_it_says_what_there_is_to_run_and_an_unknown_one_is_refused(untouched):
    printed = untouched.python("src").printed
    assert printed.startswith("usage: python src NAME")
    assert "train_shards" in printed
    refused = untouched.python("src", "nonsense", code=1)
    assert "there is no such stage or command; choose one of approximate, ask, " in refused.complaint
    assert len(refused.printed.splitlines()) == 1


def test_an_interruption_is_one_line(fresh):
    (fresh / "src/sisa/commands/wait.py").write_text('"""Wait."""\n\ndef main(_):\n    raise KeyboardInterrupt\n')
    assert fresh.python("src", "wait", code=130).printed == "stopped: wait\n"


def test_a_page_without_scenario_branches_is_said_to_show_the_workspace_alone(repo):
    assert "notice: no runs in results/runs" in repo.src("report").printed
    assert "as in the workspace" in (repo / "results/report.html").read_text()


def test_keeping_the_member_of_an_unaffected_shard_does_not_import_torch(repo, tmp_path):
    (tmp_path / "without/torch").mkdir(parents=True)
    (tmp_path / "without/torch/__init__.py").write_text("raise ImportError('torch was imported')")
    before = repo.files("models/retrained")
    repo.python("src", "retrain", "dog", PYTHONPATH=str(tmp_path / "without"))
    assert repo.files("models/retrained") == before
    affected = repo.python("src", "retrain", "cat", PYTHONPATH=str(tmp_path / "without"), code=1)
    assert "torch was imported" in affected.printed
