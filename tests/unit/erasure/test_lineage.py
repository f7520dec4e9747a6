"""Which locks Git still reaches, and what they say."""

import json
from pathlib import Path

import pytest
import yaml

from sisa.erasure.lineage import Run, history
from sisa.repository.git import git


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A repository in the working directory, with nothing in it."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet", "--initial-branch=main")
    git("config", "user.name", "Test")
    git("config", "user.email", "test@example.org")
    git("commit", "--quiet", "--allow-empty", "--message", "Start")


def lock(letter: str) -> str:
    """A dvc.lock that names one hash."""
    entry = {"cmd": "python src train_shards cat", "outs": [{"path": "models/shards/x/cat", "md5": letter * 32}]}
    Path("dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": {"train_shards@cat": entry}}))
    return letter * 32


def commit(letter: str) -> str:
    """A commit whose lock names one hash; HEAD goes back to where it was."""
    before = git("rev-parse", "HEAD").strip()
    lock(letter)
    git("add", "dvc.lock")
    git("commit", "--quiet", "--message", letter)
    made = git("rev-parse", "HEAD").strip()
    git("reset", "--quiet", "--hard", before)
    return made


def outs() -> set[str]:
    return {out for run in history().runs for out in run.outs.values()}


@pytest.mark.parametrize(
    ("ref", "name"),
    [
        ("refs/heads/old", "branch old"),
        ("refs/tags/v1", "tag v1"),
        ("refs/remotes/origin/main", "remote branch origin/main"),
        ("refs/exps/ab/cdef/gusty-hen", "experiment gusty-hen"),
        ("refs/exps/celery/stash", "queued experiments"),
    ],
)
def test_a_lock_is_read_wherever_a_ref_reaches_it_and_the_ref_is_named(ref, name, repo):
    made = commit("a")
    git("update-ref", ref, made)
    git("reflog", "expire", "--expire=all", "--all")
    assert outs() == {"a" * 32}
    assert history().naming({"a" * 32}) == sorted([name, f"commit {made[:10]}"])
    assert history().naming({"b" * 32}) == []


def test_an_experiment_that_only_a_reflog_reaches_is_read(repo):
    git("update-ref", "--create-reflog", "refs/exps/celery/stash", commit("a"))
    git("update-ref", "refs/exps/celery/stash", commit("b"))
    assert outs() == {"a" * 32, "b" * 32}


def test_the_index_and_the_workspace_are_read(repo):
    lock("a")
    git("add", "dvc.lock")
    lock("b")
    Path("raw.dvc").write_text(yaml.safe_dump({"outs": [{"path": "raw", "md5": "c" * 32}]}))
    assert outs() == {letter * 32 for letter in "abc"}
    assert history().naming({"b" * 32}) == ["the workspace"]


def test_receipts_name_what_was_erased_in_any_commit(repo):
    Path("receipts").mkdir()
    objects = [{"store": "cache", "hash": name} for name in ("a" * 32, "b" * 32 + ".dir", "data/pool.parquet")]
    Path("receipts/one.json").write_text(json.dumps({"objects": objects}))
    git("add", "receipts")
    git("commit", "--quiet", "--message", "Receipt")
    git("rm", "--quiet", "receipts/one.json")
    assert history().erased == {"a" * 32, "b" * 32 + ".dir"}


def test_a_damaged_lock_tells_of_nothing(repo):
    Path("dvc.lock").write_text("stages: [")
    assert outs() == set()


def test_a_run_knows_its_stage_its_shard_and_what_it_was_trained_on():
    deps = [{"path": "data/retained/cat.parquet", "md5": "r"}, {"path": "models/shards/x/cat", "md5": "m"}]
    run = Run.of(
        {"cmd": "python src retrain cat", "deps": deps, "outs": [{"path": "models/retrained/x/cat", "md5": "o"}]}
    )
    assert (run.stage, run.shard, run.trained_on, run.less) == ("retrain", "cat", ["r"], None)
