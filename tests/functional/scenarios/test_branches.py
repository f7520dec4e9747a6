"""`python src scenarios`: experiments on branches, in spite of kills, and without touching the workspace."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest
from support.repo import environment, made_once

pytestmark = pytest.mark.full

LEVELS = ("low", "none")
SCENARIOS = ("scenarios", "--dataset", "tiny", "--classes", "3", "--leakage", *LEVELS)
BRANCHES = [f"scenario/tiny-3-{level}" for level in LEVELS]
WITHOUT_IDENTITY = {"GIT_CONFIG_GLOBAL": os.devnull}  # the one of the repository must do


def tips(repo, what="objectname") -> dict[str, str]:
    listing = repo.git("for-each-ref", f"--format=%(refname:lstrip=2) %({what})", "refs/heads/scenario/").printed
    return dict(line.split() for line in listing.splitlines())


def outcomes(printed: str) -> list[str]:
    return [line.split(maxsplit=2)[2] for line in printed.splitlines() if line.startswith("tiny-3-")]


def killed_after_the_first_branch(repo) -> None:
    command = [sys.executable, "src", *SCENARIOS]
    with subprocess.Popen(command, cwd=repo.path, env=environment(repo.path.parent) | WITHOUT_IDENTITY) as call:
        while not tips(repo):
            assert call.poll() is None
            time.sleep(0.1)
        call.send_signal(signal.SIGKILL)


@pytest.fixture(scope="session")
def interrupted(shared, untouched, all_attacks):
    """Two scenarios, the first call killed half-way, with work in progress in the workspace. DVC's run-cache has what
    the first one trains, but not its metrics."""

    def make(repo):
        untouched.copied_to(repo.path)
        repo.take_cache_of(all_attacks)
        repo.edit_params({"forget.class": "dog"})
        (repo / "notes.txt").write_text("staged\n")
        repo.git("add", "notes.txt")
        killed_after_the_first_branch(repo)
        assert outcomes(repo.src(*SCENARIOS, **WITHOUT_IDENTITY).printed) == ["skipped", "run"]

    return made_once(shared, "interrupted", make)


@pytest.fixture
def repo(interrupted, tmp_path):
    return interrupted.copied_to(tmp_path / "repo")


def test_a_call_after_a_kill_ends_with_the_tree_of_an_uninterrupted_one(repo):
    expected = tips(repo, "tree")
    assert list(expected) == BRANCHES
    repo.git("branch", "--quiet", "-D", BRANCHES[1])  # the one that was under way at the kill
    assert outcomes(repo.src(*SCENARIOS).printed) == ["skipped", "run"]
    assert tips(repo, "tree") == expected


def test_the_workspace_stays_as_it_was_and_a_second_call_runs_nothing(interrupted, repo):
    for _ in range(2):
        assert repo.git("status", "--short").printed.splitlines() == ["A  notes.txt", " M params.yaml"]
        assert repo.git("branch", "--show-current").printed == "main\n"
        assert repo.params()["forget"]["class"] == "dog"
        printed = repo.src(*SCENARIOS).printed
        assert outcomes(printed) == ["skipped", "skipped"]
        assert "nothing to do" in printed
        assert tips(repo) == tips(interrupted)
    assert not (repo / "models").exists()


def test_scenarios_are_compared_by_their_branches(repo):
    low, none = BRANCHES
    assert set(tips(repo, "parent").values()) == {repo.git("rev-parse", "main").printed.strip()}
    compared = json.loads(repo.dvc("metrics", "diff", "--json", low, none, "--targets", "metrics/before.json").printed)
    undecided = compared["metrics/before.json"]["held_out.prior_corrected.undecided"]
    assert (undecided["old"], undecided["new"]) == (None, 1.0)
    assert "leakage.reach" in repo.dvc("params", "diff", low, none).printed
    repo.dvc("plots", "diff", low, none, "--out", "dvc_plots")
    assert "data_leakage_matrix_csv" in (repo / "dvc_plots/index.html").read_text()


def test_results_are_those_of_the_branches(repo):
    (repo / "README.md").write_text("<!-- results/tiny.csv -->\n<!-- end of results/tiny.csv -->\n")
    repo.src("results")
    table = pd.read_csv(repo / "results/tiny.csv", keep_default_na=False)
    assert list(dict.fromkeys(table["leakage"])) == list(LEVELS)
    assert set(table["run"]) == {0}
    assert set(table["scope"]) == {"dominant"}
    assert "| baseline_full" in (repo / "README.md").read_text()
    recognition = pd.read_csv(repo / "results/recognition/tiny.csv", keep_default_na=False)
    assert {"forgotten", "others_taken", "forgotten_auroc"} <= set(recognition.columns)
    areas = pd.read_csv(repo / "results/areas/tiny.csv")
    assert set(areas["attack"]) == {"lira", "lira_difference"}  # of too few images for the population attack
    assert ((areas["low"] <= areas["auc"]) & (areas["auc"] <= areas["high"])).all()
    assert (repo / "results/recognition/tiny.png").exists()


def test_a_branch_with_commits_of_somebody_else_is_not_moved(repo):
    low, _ = BRANCHES
    repo.git("stash", "--quiet")
    repo.git("switch", "--quiet", low)
    (repo / "notes.txt").write_text("mine\n")
    repo.commit("On top of a result")
    repo.git("switch", "--quiet", "main")
    before = tips(repo)
    done = repo.src(*SCENARIOS, code=1)
    refused, skipped = outcomes(done.printed)
    assert refused.startswith(f"refused: {low} holds commits of your own")
    assert skipped == "skipped"
    assert "1 of 2 scenarios" in done.complaint
    assert tips(repo) == before


def test_changed_code_runs_again_and_moves_the_branch_unless_it_is_checked_out(repo):
    low, none = BRANCHES
    before = tips(repo)
    repo.git("stash", "--quiet")
    stage = repo / "src/sisa/stages/evaluate.py"
    stage.write_text(stage.read_text() + "\n# changed\n")
    repo.commit("Other code")
    repo.git("worktree", "add", "--quiet", "../elsewhere", low)
    first, second = outcomes(repo.src(*SCENARIOS, code=1).printed)
    assert first.startswith(f"refused: {low} is out of date and checked out")
    assert second == "run"
    assert tips(repo)[low] == before[low]
    assert tips(repo, "parent")[none] == repo.git("rev-parse", "main").printed.strip()
    (repo / "README.md").touch()
    assert "not comparable, they differ in src/sisa/stages/evaluate.py" in repo.src("results", code=1).complaint


def test_a_scenario_that_fails_leaves_its_branch_and_a_log_and_the_next_is_still_tried(repo):
    before = tips(repo)
    done = repo.src(*SCENARIOS, "-S", "leakage.dominant=1000", code=1)
    logs = [f".dvc/tmp/scenarios/tiny-3-{level}.log" for level in LEVELS]
    assert outcomes(done.printed) == [f"failed: {log}" for log in logs]
    assert all("error in validate: " in (repo / log).read_text() for log in logs)
    assert tips(repo) == before


def test_what_is_not_committed_is_refused_with_what_to_commit(repo):
    repo.git("rm", "--quiet", "--cached", "data/rosters/tiny.csv")
    repo.git("commit", "--quiet", "--message", "Without the roster")
    assert "git add data/rosters/tiny.csv data/raw/.gitignore" in repo.src(*SCENARIOS, code=1).complaint


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        (("-S", "seed=1"), "has an option of its own"),
        (("-S", "nosuch=1"), "nosuch"),
        (("--classes", "4"), "classes is 4, but data set tiny has 3 and 5"),
        (("--leakage", "medium"), "leakage/medium"),
    ],
)
def test_choices_that_are_no_experiment_are_refused_before_anything_runs(fresh, choice, complaint):
    refused = fresh.src("scenarios", "--dataset", "tiny", *choice, code=1)
    assert complaint in refused.complaint
    assert "use +" not in refused.printed  # as Hydra advises


def test_images_requested_in_head_are_forgotten_in_every_scenario_and_said_to_be(fresh):
    nothing = ("scenarios", "--dataset", "tiny", "-S", "nosuch=1")
    assert "notice: every scenario forgets" not in fresh.src(*nothing, code=1).printed
    fresh.src("forget", "cat/00.png", "--reason", "asked")
    assert "notice: every scenario forgets 1 image more" in fresh.src(*nothing, code=1).printed
    (fresh / "data/requests.csv").write_text("damaged\n")
    fresh.commit("No list")
    assert "data/requests.csv: not a list of requests" in fresh.src(*nothing, code=1).complaint


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_stages_that_run_and_the_next_call_goes_on(number, fresh, tmp_path):
    evaluate = {"cmd": f"touch {tmp_path}/begun; sleep 600; echo 1 > cat", "params": ["seed"], "outs": ["cat"]}
    fresh.write_stages({"evaluate": evaluate})
    fresh.commit("Endless")
    call = ("scenarios", "--dataset", "tiny", "--classes", "3", "--leakage", "high")
    with subprocess.Popen(
        [sys.executable, "src", *call], cwd=fresh.path, env=environment(tmp_path), stderr=subprocess.PIPE, text=True
    ) as run:
        while not (tmp_path / "begun").exists():
            assert run.poll() is None
            time.sleep(0.1)
        left = psutil.Process(run.pid).children(recursive=True)
        run.send_signal(number)
        _, said = run.communicate()
    assert run.returncode == 1
    assert said.splitlines()[-1].startswith("error in scenarios: stopped")
    assert all(each.status() == psutil.STATUS_ZOMBIE for each in left if each.is_running())
    assert tips(fresh) == {}

    fresh.write_stages({"evaluate": evaluate | {"cmd": "echo 1 > cat"}})
    fresh.commit("Short")
    assert outcomes(fresh.src(*call).printed.replace("tiny-3-high", "tiny-3-")) == ["run"]
