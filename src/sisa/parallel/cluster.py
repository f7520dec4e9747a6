"""Stages as tasks of a Ray cluster. Ray places and retries them; the DVC remote carries what they read and write."""

import logging
from concurrent.futures import Future
from pathlib import Path

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import sisa
from sisa.base.errors import BadInput
from sisa.parallel import resources
from sisa.parallel.environment import differences
from sisa.parallel.logs import log_of
from sisa.parallel.resources import Resources
from sisa.parallel.tasks import Task, kept
from sisa.parallel.worker import run_stage

DEATHS = 3  # of workers and nodes that a stage survives
PATIENCE = 15  # seconds that stages have to end themselves when the run is stopped


class Board:
    """What the running stages last said."""

    def __init__(self):
        self.lines: dict[str, str] = {}

    def say(self, stage: str, line: str) -> None:
        self.lines[stage] = line

    def all(self) -> dict[str, str]:
        return self.lines


def on_worker(name: str, board, *told) -> dict:
    """The task: `run_stage` with what it is `told`, telling the board."""
    return run_stage(*told, lambda line: board.say.remote(name, line))


class Cluster:
    """Runs a stage somewhere on the cluster; its `submit` is what `graph.walk` asks for."""

    attempts = 2

    def __init__(self, address: str, tasks: dict[str, Task], table: dict[str, Resources], logs: Path):
        connect(address)
        self.tasks, self.table, self.logs = tasks, table, logs
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
        self.remote = ray.remote(on_worker)
        self.lines: dict[str, str] = {}
        self.refs: list[ray.ObjectRef] = []
        refuse_other_environments(next(iter(tasks.values())).run.job.environment)

    def submit(self, name: str) -> Future:
        wanted = resources.of(name, self.table).model_dump()
        remote = self.remote.options(name=name, max_retries=DEATHS, scheduling_strategy="SPREAD", **wanted)
        ref = remote.remote(name, self.board, *self.tasks[name].told())
        self.refs.append(ref)
        ended: Future = Future()
        ref.future().add_done_callback(lambda done: ended.set_result(self.outcome(name, done)))
        return ended

    def outcome(self, name: str, done: Future) -> str | None:
        log = log_of(self.logs, name)
        try:
            return kept(self.tasks[name], done.result(), log)
        except RayError as error:
            log.write_text(f"{error}\n")
            return str(log)

    def started(self) -> set[str]:
        self.lines = ray.get(self.board.all.remote())
        return set(self.lines)

    def line(self, stage: str) -> str:
        return self.lines.get(stage, "")

    def close(self) -> None:
        """End what still runs."""
        for ref in self.refs:
            ray.cancel(ref)
        if self.refs:
            ray.wait(self.refs, num_returns=len(self.refs), timeout=PATIENCE)
        ray.shutdown()


def connect(address: str) -> None:
    """Raises BadInput where no cluster answers."""
    ray.cloudpickle.register_pickle_by_value(sisa)  # so that workers need no copy of this code to begin with
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())[:200]
        raise BadInput(f"no Ray cluster at {address}: {said}; start one: ray start --head") from error


def refuse_other_environments(expected: dict[str, str]) -> None:
    """Raises BadInput naming the nodes on which a stage could come out differently."""
    check, asked = ray.remote(differences), []
    for node in ray.nodes():
        if node["Alive"] and node["Resources"].get("CPU"):
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            answer = check.options(num_cpus=0, scheduling_strategy=there).remote(expected)
            asked.append((f"{node['NodeName']} (node {node['NodeID'][:6]})", answer))
    said = [(name, ray.get(answer)) for name, answer in asked]
    if told := "; ".join(f"on {name}, {different}" for name, different in said if different):
        raise BadInput(f"workers must equal this environment: {told}")
