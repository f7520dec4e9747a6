"""Stages side by side give what the serial run gives, and stop as cleanly."""

import signal
import subprocess
import sys
import time

import pytest
from conftest import Outcome, Repo, environment

from sisa.parallel.carry_out import carry_out
from sisa.parallel.machine import Machine
from sisa.parallel.resources import Resources

WRITTEN = ("data", "models", "metrics", "plots")
TRAIN = "src/sisa/stages/train_shards.py"


def results(repo: Repo) -> dict[str, str]:
    """The bytes of everything that the stages write; .gitignore files list outputs in the order of execution."""
    return {name: digest for name, digest in repo.files(*WRITTEN).items() if not name.endswith(".gitignore")}


def sabotage(repo: Repo, lines: str) -> None:
    """Let the training of a shard `name` begin with these lines."""
    source, start = (repo / TRAIN).read_text(), "def main(name: str) -> None:\n"
    assert start in source
    (repo / TRAIN).write_text(source.replace(start, start + lines))


def test_stages_side_by_side_give_the_serial_run_to_the_byte(five_classes_high, fresh):
    done = fresh.src("parallel", "--jobs", "4")
    assert fresh.locked() == five_classes_high.locked()
    assert results(fresh) == results(five_classes_high)
    assert done.executed == []  # the last `dvc repro` found everything done

    again = fresh.src("parallel", "--jobs", "2")
    assert "running" not in again.printed
    assert again.executed == []


def test_a_failing_stage_names_its_log_and_the_rest_goes_on(fresh):
    sabotage(fresh, "    if name == 'cow':\n        sys.exit('out of grass')\n")
    done = fresh.src("parallel", "--jobs", "4", code=1)
    assert "train_shards@cow failed, see .dvc/tmp/parallel/train_shards@cow.log" in done.complaint
    assert done.complaint.endswith("not started: evaluate, retrain@cow")
    assert "out of grass" in (fresh / ".dvc/tmp/parallel/train_shards@cow.log").read_text()
    assert {"baseline_retrained", "retrain@cat", "retrain@horse"} <= fresh.locked().keys()


def test_no_stage_is_lost_from_dvc_lock_where_many_end_at_once(tmp_path, monkeypatch):
    repo, names = Repo(tmp_path / "small"), [f"wait{number}" for number in range(12)]
    repo.initialize()
    repo.write_stages({name: {"cmd": f"sleep 0.5; echo {name} > {name}", "outs": [name]} for name in names})
    for variable, value in environment(tmp_path).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.chdir(repo.path)
    for _ in range(2):
        carry_out(dict.fromkeys(names, set()), Machine(8, {"default": Resources()}, tmp_path))
        assert repo.locked().keys() == set(names)
        (repo / "dvc.lock").unlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_stage_and_the_next_run_goes_on(number, five_classes_high, fresh):
    flag, source = fresh.path.parent / "begun", (fresh / TRAIN).read_text()
    sabotage(fresh, f"    import pathlib, time; pathlib.Path({str(flag)!r}).touch(); time.sleep(600)\n")
    command = [sys.executable, "src", "parallel", "--jobs", "3"]
    with subprocess.Popen(
        command, cwd=fresh.path, env=environment(fresh.path.parent), stderr=subprocess.PIPE, text=True
    ) as run:
        while not flag.exists():
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(number)
        _, said = run.communicate()
    assert run.returncode == 1
    assert said.splitlines()[-1].startswith("error in parallel: stopped")
    assert "Traceback" not in said
    assert "train_shards@cat" not in fresh.locked()

    (fresh / TRAIN).write_text(source)
    fresh.dvc("repro")
    assert fresh.locked() == five_classes_high.locked()


def test_scenarios_side_by_side_share_stages_and_leave_only_what_is_kept_in_git(fresh):
    trained = fresh.path.parent / "trained"
    sabotage(fresh, f"    print(name, file=open({str(trained)!r}, 'a'))\n")
    fresh.commit("Say which shard is trained")
    options = ("--dataset", "tiny", "--classes", "3", "--leakage", "high", "low")
    fresh.src("scenarios", *options, "--jobs", "4")

    assert sorted(trained.read_text().split()) == ["cat", "dog", "horse", "horse"]
    for name in ("tiny-3-high", "tiny-3-low"):
        log = (fresh / f".dvc/tmp/scenarios/{name}.log").read_text()
        assert set(Outcome(0, log).executed) == {"evaluate", "examine@forgotten", "relearn@forgotten"}  # kept in Git
        assert fresh.git("show", f"scenario/{name}:metrics/summary.json").printed
