"""The walk over stages, with futures instead of processes; and what a stage takes of a machine."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from sisa.base.errors import BadInput
from sisa.parallel import resources
from sisa.parallel.environment import differences, environment, pinned
from sisa.parallel.graph import due, followers, walk
from sisa.parallel.jobs import Job
from sisa.parallel.machine import Share
from sisa.parallel.resources import Resources
from sisa.parallel.tasks import Pipeline, Run, Task, one_graph
from sisa.parallel.worker import own_clone

NEEDS = {"split": set(), "cat": {"split"}, "dog": {"split"}, "again": {"cat"}, "table": {"again", "dog"}}


class Instant:
    """Ends each stage at once: the first `fails[stage]` attempts badly."""

    def __init__(self, **fails: int):
        self.fails, self.order = fails, []

    def submit(self, stage: str) -> Future:
        self.order.append(stage)
        failed = self.order.count(stage) <= self.fails.get(stage, 0)
        future = Future()
        future.set_result("see the log" if failed else None)
        return future


def test_each_stage_starts_once_and_after_all_that_it_needs():
    runs = Instant()
    assert walk(NEEDS, runs.submit) == dict.fromkeys(NEEDS)
    assert sorted(runs.order) == sorted(NEEDS)
    assert all(runs.order.index(needed) < runs.order.index(stage) for stage in NEEDS for needed in NEEDS[stage])


def test_a_failed_stage_holds_back_what_needs_it_and_nothing_else():
    runs = Instant(cat=1)
    ended = walk(NEEDS, runs.submit)
    assert ended == {"split": None, "cat": "see the log", "dog": None}


def test_a_second_attempt_counts_where_it_is_allowed():
    assert walk(NEEDS, Instant(cat=1).submit, attempts=2) == dict.fromkeys(NEEDS)
    runs = Instant(cat=2)
    assert walk(NEEDS, runs.submit, attempts=2)["cat"]
    assert runs.order.count("cat") == 2


def test_stages_that_need_nothing_of_each_other_run_at_the_same_time():
    meeting = threading.Barrier(2, timeout=20)

    def meet(stage: str) -> None:
        if stage in {"cat", "dog"}:
            meeting.wait()  # breaks, and raises, unless the other one arrives

    with ThreadPoolExecutor(2) as pool:
        assert len(walk(NEEDS, lambda stage: pool.submit(meet, stage))) == len(NEEDS)


def test_what_most_others_wait_for_starts_first():
    assert followers(NEEDS) == {"split": 4, "cat": 2, "dog": 1, "again": 1, "table": 0}
    runs = Instant()
    walk({"short": set(), "long": set(), "after": {"long"}}, runs.submit)
    assert runs.order[0] == "long"


def test_only_what_changed_and_what_follows_it_is_due():
    assert due(NEEDS, {"cat"}) == {"cat": set(), "again": {"cat"}, "table": {"again"}}
    assert due(NEEDS, set()) == {}


def test_resources_may_name_parameters_and_default_to_one_core(tmp_path):
    file = tmp_path / "resources.yaml"
    file.write_text('default: {num_cpus: 1}\nretrain: {num_cpus: "${threads}", num_gpus: 1}\n')
    table = resources.read({"threads": 3}, file)
    assert resources.of("retrain@cat", table) == Resources(num_cpus=3, num_gpus=1)
    assert resources.of("split", table) == Resources()


@pytest.mark.parametrize("text", ["retrain: {num_cpus: 0}", "retrain: {cores: 1}", 'retrain: {num_cpus: "${no}"}'])
def test_bad_resources_are_refused_in_one_line(text, tmp_path):
    file = tmp_path / "resources.yaml"
    file.write_text(text)
    with pytest.raises(BadInput, match=r"resources\.yaml: ") as refused:
        resources.read({}, file)
    assert "\n" not in str(refused.value)


def test_no_two_stages_get_the_same_gpu():
    share = Share(4, ["0", "1"])
    with share.of(Resources(num_gpus=1)) as first, share.of(Resources(num_gpus=1)) as second:
        assert sorted(first + second) == ["0", "1"]
        assert (share.cores, share.gpus) == (2, [])
    assert share.cores == 4


def test_a_stage_that_wants_more_cores_than_there_are_runs_alone():
    share = Share(2, [])
    with share.of(Resources(num_cpus=8)):
        assert share.cores == 0
    assert share.cores == 2


def test_stages_of_two_scenarios_that_do_the_same_run_one_after_the_other():
    needs = {"data/raw.dvc": set(), "prepare": {"data/raw.dvc"}, "split": {"prepare"}, "cat": {"split"}}
    first, second = (Run(Job("url", "commit", params), {"stages": {}}) for params in ("high", "low"))
    graphs = [Pipeline(needs, {"prepare": "same", "split": leakage, "cat": "train"}) for leakage in ("high", "low")]
    tasks, order = one_graph({"high": (first, graphs[0]), "low": (second, graphs[1])})
    assert order == {
        "high:prepare": set(),
        "high:split": {"high:prepare"},
        "high:cat": {"high:split"},
        "low:prepare": {"high:prepare"},
        "low:split": {"low:prepare"},
        "low:cat": {"low:split", "high:cat"},
    }
    assert tasks["low:prepare"].reads == ["data/raw.dvc"]


def test_a_worker_gets_the_part_of_the_lock_that_its_stage_reads_or_wrote():
    run = Run(Job("url", "commit", ""), {"schema": "2.0", "stages": {name: {"cmd": name} for name in NEEDS}})
    sent = run.lock_for(Task(run, "cat", ["data/raw.dvc", "split"]))
    assert sent == {"schema": "2.0", "stages": {"split": {"cmd": "split"}, "cat": {"cmd": "cat"}}}
    assert run.lock["stages"].keys() == NEEDS.keys()


def test_a_worker_that_differs_says_in_what():
    expected = environment(["numpy", "not-there"], "float32")
    assert differences(expected) == ""
    assert differences(expected | {"CPU": "DEFAULT"}).startswith("CPU is ")
    assert environment(["numpy"], "exact").keys() == {"Python", "numpy"}
    assert differences(expected | {"numpy": "0.1"}) == f"numpy is {expected['numpy']}, not 0.1"
    assert pinned("numpy==2.0\nray[x]==1 ; python_version > '3'\n# no\n") == ["numpy", "ray"]


def test_no_two_workers_share_a_clone(tmp_path):
    with own_clone(tmp_path) as (first, _), own_clone(tmp_path) as (second, _):
        assert first != second
    with own_clone(tmp_path) as (again, _):
        assert again == first
