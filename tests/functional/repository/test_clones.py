"""Clones with odd settings, in odd places, and with a cache that lacks what dvc.lock names."""

import shutil

import pytest
from support.repo import ROOT, Repo


def test_a_clone_that_ends_lines_as_windows_does_has_the_same_bytes(untouched, tmp_path):
    source = untouched.copied_to(tmp_path / "source")
    source.git("clone", "--quiet", "-c", "core.autocrlf=true", ".", "../clone")
    clone = Repo(tmp_path / "clone")
    for name in source.git("ls-files", "-z").printed.split("\0")[:-1]:
        assert (clone / name).read_bytes() == (source / name).read_bytes(), name


@pytest.mark.full
def test_an_experiment_that_the_run_cache_knows_runs_where_the_cache_lacks_the_data_of_head(repo, low):
    shutil.rmtree(repo / ".dvc/cache/files")
    repo.take_cache_of(low)
    executed = repo.dvc("exp", "run", "--temp", "-S", "leakage=low", "-S", "classes=3").executed
    assert executed == ["split", "unlearn", "evaluate", "cost"]


def test_scenarios_run_below_a_folder_whose_name_is_not_ascii(untouched, tmp_path):
    repo = untouched.copied_to(tmp_path / "Ünï" / "cödé")
    repo.write_stages({"evaluate": {"cmd": "echo 1 > cat", "params": ["seed"], "outs": ["cat"]}})
    repo.commit("Cheap stage")
    printed = repo.src("scenarios", "--dataset", "tiny", "--classes", "3", "--leakage", "high").printed
    assert printed.splitlines()[-1].split() == ["tiny-3-high", "scenario/tiny-3-high", "run"]


def test_a_folder_below_the_root_is_named_with_the_way_to_it(untouched, tmp_path):
    repo = untouched.copied_to(tmp_path / "repo")
    said = Repo(repo / "src").src("summary", code=1).complaint
    assert said.endswith(f"this folder has no dvc.yaml; run in the repository's root: cd {ROOT}")
