"""Stages side by side give what the serial run gives, and stop as cleanly."""

import signal
import subprocess
import sys
import time

import pytest
from support.machines import OLD
from support.repo import Repo, environment
from support.side_by_side import RAN, results, run_again

from sisa.parallel.machine import Machine
from sisa.parallel.resources import Resources
from sisa.parallel.run_graph import run_graph


@pytest.mark.full
def test_stages_side_by_side_in_another_folder_as_on_an_old_machine_give_the_serial_run_to_the_byte(
    five_classes_high, fresh
):
    other = fresh.moved_to("a folder with another name")
    done = other.python("src", "repro", "--jobs", "4", PYTHONHASHSEED="1", **OLD)
    assert other.locked() == five_classes_high.locked()
    assert results(other) == results(five_classes_high)
    assert done.executed == []  # the last `dvc repro` found everything done

    again = other.python("src", "repro", "--jobs", "2")
    assert "running" not in again.printed
    assert again.executed == []


def test_a_failing_stage_names_its_log_and_the_rest_goes_on(fresh):
    fresh.write_stages(
        {
            "cow": {"cmd": "echo out of grass; false", "outs": ["cow"]},
            "cat": {"cmd": "echo cat > cat", "outs": ["cat"]},
            "again": {"cmd": "cp cat again", "deps": ["cat"], "outs": ["again"]},
            "table": {"cmd": "cat cat cow > table", "deps": ["cat", "cow"], "outs": ["table"]},
        }
    )
    done = fresh.python("src", "repro", "--jobs", "4", code=1)
    assert "cow failed, see .dvc/tmp/parallel/cow.log" in done.complaint
    assert done.complaint.endswith("not started: table")
    assert "out of grass" in (fresh / ".dvc/tmp/parallel/cow.log").read_text()
    assert fresh.locked().keys() == {"cat", "again"}


@pytest.mark.full
def test_no_stage_is_lost_from_dvc_lock_where_many_end_at_once(tmp_path, monkeypatch):
    repo, names = Repo(tmp_path / "small"), [f"wait{number}" for number in range(12)]
    repo.initialize()
    repo.write_stages({name: {"cmd": f"sleep 0.5; echo {name} > {name}", "outs": [name]} for name in names})
    for variable, value in environment(tmp_path).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.chdir(repo.path)
    for _ in range(2):
        run_graph({name: set() for name in names}, Machine(8, {"default": Resources()}, tmp_path))
        assert repo.locked().keys() == set(names)
        (repo / "dvc.lock").unlink()


@pytest.mark.full
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_every_stage_and_the_next_run_goes_on(number, fresh):
    stages = {name: {"cmd": f"echo {name} > {name}", "outs": [name]} for name in ("first", "cat", "dog")}
    stages["cat"]["deps"] = stages["dog"]["deps"] = ["first"]
    endless = {"cmd": "touch begun; sleep 600; echo cat > cat"}
    fresh.write_stages(stages | {"cat": stages["cat"] | endless})
    command = [sys.executable, "src", "repro", "--jobs", "3"]
    with subprocess.Popen(
        command, cwd=fresh.path, env=environment(fresh.path.parent), stderr=subprocess.PIPE, text=True
    ) as run:
        while not (fresh / "begun").exists():
            assert run.poll() is None
            time.sleep(0.05)
        run.send_signal(number)
        _, said = run.communicate()
    assert run.returncode == 1
    assert said.splitlines()[-1].startswith("error in repro: stopped")
    assert "Traceback" not in said
    assert "first" in fresh.locked()
    assert "cat" not in fresh.locked()

    fresh.write_stages(stages)
    assert set(fresh.dvc("repro").executed) - {"dog"} == {"cat"}
    assert fresh.locked().keys() == stages.keys()


@pytest.mark.full
def test_scenarios_side_by_side_share_stages_and_leave_only_what_is_kept_in_git(serial_grid, tmp_path):
    assert run_again(serial_grid, tmp_path, "--jobs", "4") == (RAN, ["evaluate", "evaluate"])
