"""What was run once is run nowhere else: DVC remotes, clones, and experiments and branches that others take up."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support.remotes import Remote, published
from support.repo import ROOT, Repo, made_once
from support.tiny import CLASSES

FULL = pytest.mark.full
FORGET_DOG = ("exp", "run", "--pull", "--name", "dog", "-S", "forget.class=dog")
LOW = "scenario/tiny-3-low"
CREDENTIALS = "|".join(
    [
        r"^\s*(access_key_id|secret_access_key|session_token|password|passphrase)\s*=",
        r"AKIA[0-9A-Z]{16}",
        r"BEGIN [A-Z ]*PRIVATE KEY",
    ]
)


def clone(hub: Path, target: Path) -> Repo:
    identity = ("--config", "user.name=Test", "--config", "user.email=test@example.org")
    subprocess.run(["git", "clone", "--quiet", *identity, hub, target], check=True)
    return Repo(target)


def objects(storage: Path) -> set[str]:
    """The MD5 of each file and folder in a cache or remote; the run-cache lies beside them."""
    return {path.parent.name + path.name for path in (storage / "files/md5").glob("*/*")}


@pytest.mark.parametrize("kind", ["folder", pytest.param("s3", marks=FULL), pytest.param("ssh", marks=FULL)])
def test_a_clone_pulls_everything_and_runs_nothing(repo, remote, kind, tmp_path):
    storage = remote(kind)
    second = clone(published(repo, storage), tmp_path / "second")
    storage.unlock_in(second)

    assert second.dvc("repro", "--pull", "--allow-missing").executed == []
    assert objects(second / ".dvc/cache") == set()
    assert second.files(".dvc/cache/runs") == repo.files(".dvc/cache/runs")
    assert not (second / "models").exists()

    second.dvc("pull")
    assert second.dvc("repro").executed == []
    assert second.git("status", "--short").printed == ""
    assert second.files("data", "models") == repo.files("data", "models")


@pytest.fixture(scope="session")
def team(shared, five_classes_high, three_classes_low):
    """A clone in which a dog was forgotten, and the experiment and a scenario branch were pushed.

    Beside it lie hub.git, which everybody clones, and the DVC remote `storage`.
    """

    def make(repo: Repo) -> None:
        folder = repo.path.parent
        shutil.rmtree(folder)
        storage = Remote(str(folder / "storage"))
        hub = published(five_classes_high.copied_to(folder / "first"), storage)
        clone(hub, repo.path)
        assert repo.dvc(*FORGET_DOG).executed == [
            "unlearn",
            "retrain@cat",
            "retrain@dog",
            "baseline_retrained",
            "predict",
            "evaluate",
            "cost",
        ]
        repo.dvc("push", "--run-cache")
        repo.dvc("exp", "push", "origin", "dog")
        repo.git("checkout", "--quiet", ".")
        repo.dvc("pull", "--force")

        repo.git("fetch", "--quiet", str(three_classes_low.path), f"three:{LOW}")
        repo.take_cache_of(three_classes_low)
        # The branch is older than the remote: without this, DVC would leave its data out, without a word.
        repo.dvc("remote", "add", "--local", "-d", "storage", storage.url)
        repo.dvc("push", "--all-branches")
        assert objects(folder / "storage") == objects(repo / ".dvc/cache")
        repo.git("push", "--quiet", "origin", LOW)

    return made_once(shared, "team", make)


@pytest.fixture
def second(team, tmp_path):
    """A fresh clone of what the team shares."""
    return clone(team.path.parent / "hub.git", tmp_path / "second")


@FULL
def test_forgetting_what_a_colleague_forgot_runs_only_the_stages_that_the_run_cache_does_not_hold(second):
    """`evaluate` and `cost` have outputs in Git that are neither metrics nor plots, for which DVC keeps no runs; nor
    for `unlearn`, of which one persists."""
    assert second.dvc(*FORGET_DOG).executed == ["unlearn", "evaluate", "cost"]


@FULL
def test_an_experiment_is_taken_up_with_its_data(second):
    second.dvc("exp", "pull", "origin", "dog")
    second.dvc("exp", "apply", "dog")
    second.dvc("pull")
    assert second.dvc("repro").executed == []
    assert second.params()["forget"]["class"] == "dog"


@FULL
def test_a_scenario_branch_is_taken_up_with_its_data(team, second):
    second.git("switch", "--quiet", LOW)
    second.dvc("remote", "add", "--local", "-d", "storage", str(team.path.parent / "storage"))
    second.dvc("pull")
    assert second.dvc("repro").executed == []
    assert second.params()["classes"] == 3


@FULL
def test_metrics_and_plots_need_no_pull_and_served_members_can_be_pulled_alone(second):
    assert "after.residual_copies" in second.dvc("metrics", "show", "metrics/summary.json").printed
    second.dvc("plots", "show", "--out", "dvc_plots")
    assert "vegaEmbed('#plots_accuracy_csv'" in (second / "dvc_plots/index.html").read_text()
    assert objects(second / ".dvc/cache") == set()

    second.dvc("pull", "retrain")
    assert [path.name for path in (second / "models").iterdir()] == ["retrained"]
    assert sorted(path.name for path in (second / "models/retrained/tiny-5").iterdir() if path.is_dir()) == CLASSES


@FULL
def test_gc_keeps_the_workspace_and_the_scenario_branches_and_drops_an_abandoned_experiment(team, tmp_path):
    repo = team.copied_to(tmp_path / "repo")
    storage = shutil.copytree(team.path.parent / "storage", tmp_path / "storage")
    repo.dvc("remote", "modify", "--local", "storage", "url", str(storage))
    places = ("data", "models/shards", "models/retrained")
    files = repo.files(*places)
    experiment = repo.git("for-each-ref", "--format=%(refname)", "refs/exps/*/*/dog").printed.strip()
    stages = yaml.safe_load(repo.git("show", f"{experiment}:dvc.lock").printed)["stages"]
    abandoned = {out["md5"] for stage in stages.values() for out in stage["outs"]} - set(repo.outputs().values())
    assert abandoned & objects(storage)

    repo.dvc("exp", "remove", "dog")
    repo.dvc("fetch", "--all-branches")
    repo.dvc("gc", "--all-branches", "--all-tags", "--cloud", "--force")
    assert not abandoned & (objects(storage) | objects(repo / ".dvc/cache"))

    shutil.rmtree(repo / "models")
    repo.dvc("checkout")
    assert repo.files(*places) == files
    repo.git("switch", "--quiet", LOW)
    repo.dvc("checkout", "--force")
    assert repo.dvc("repro").executed == []
    assert repo.git("status", "--short").printed == ""


FAILURES = {
    "s3, unknown": ("s3", "stranger", 255, "Forbidden"),
    "s3, read-only": ("s3", "reader", 1, "Access Denied"),
    "s3, down": ("s3", "down", 255, "Could not connect to the endpoint URL"),
    "ssh, unknown": ("ssh", "stranger", 255, "Permission denied for user"),
    "ssh, read-only": ("ssh", "reader", 255, "Permission denied"),
    "ssh, down": ("ssh", "down", 255, "Connect call failed"),
}


@FULL
@pytest.mark.parametrize(("kind", "user", "code", "reason"), FAILURES.values(), ids=FAILURES)
def test_a_push_that_fails_says_why_and_leaves_nothing_half_done(low, remote, kind, user, code, reason):
    before = low.files("data", "models", ".dvc/cache/files")
    remote(kind, user).add_to(low)
    assert reason in low.dvc("push", code=code, AWS_MAX_ATTEMPTS="1").printed
    assert low.files("data", "models", ".dvc/cache/files") == before
    assert low.git("status", "--short").printed == ""

    working = remote("folder").url
    low.dvc("remote", "add", "working", working)
    low.dvc("push", "--remote", "working")
    assert objects(Path(working)) == objects(low / ".dvc/cache")


@FULL
def test_credentials_stay_out_of_git(low, remote):
    writer = remote("s3")
    writer.add_to(low)
    low.git("add", "--all")
    for secret in writer.secrets.values():
        assert secret in (low / ".dvc/config.local").read_text()
        low.git("grep", "--cached", "--fixed-strings", secret, code=1)


def test_no_file_in_git_looks_like_it_holds_credentials():
    Repo(ROOT).git("grep", "--extended-regexp", "-I", CREDENTIALS, code=1)
