"""Stages as tasks of a Ray cluster. Ray places and retries them; the DVC remote carries what they read and write."""

import logging
from concurrent.futures import Future
from pathlib import Path

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import sisa
from sisa.common.errors import BadInput
from sisa.parallel import resources, worker
from sisa.parallel.graph import Ended, Needs
from sisa.parallel.processes import log_of
from sisa.parallel.resources import Resources

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


def on_worker(order: worker.Order, stage: str, needs: list[str], lock: dict, board) -> dict:
    """The task: `worker.carry_out`, telling the board."""
    return worker.carry_out(order, stage, needs, lock, lambda line: board.say.remote(stage, line))


class Cluster:
    """Runs a stage somewhere on the cluster; its `submit` is what `graph.walk` asks for."""

    attempts = 2

    def __init__(self, address: str, order: worker.Order, needs: Needs, table: dict[str, Resources], logs: Path):
        """`needs` are all stages with what they read from, those that are up to date included."""
        connect(address)
        self.order, self.needs, self.table, self.logs = order, needs, table, logs
        self.lock = worker.read_lock(Path())
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        self.board = ray.remote(Board).options(num_cpus=0, scheduling_strategy=here).remote()
        self.task = ray.remote(on_worker)
        self.lines: dict[str, str] = {}
        self.refs: list[ray.ObjectRef] = []
        refuse_other_environments(order.environment)

    def submit(self, stage: str) -> Future:
        wanted = resources.of(stage, self.table)
        task = self.task.options(name=stage, max_retries=DEATHS, scheduling_strategy="SPREAD", **wanted.model_dump())
        ref = task.remote(self.order, stage, sorted(self.needs[stage]), self.lock, self.board)
        self.refs.append(ref)
        ended: Future = Future()
        ref.future().add_done_callback(lambda done: ended.set_result(self.outcome(stage, done)))
        return ended

    def outcome(self, stage: str, done: Future) -> Ended:
        log = log_of(self.logs, stage)
        try:
            report = done.result()
        except RayError as error:
            return Ended(" ".join(str(error).split()))
        with log.open("a") as file:
            file.write(report["log"])
        if report["failure"]:
            return Ended(f"{log} ({report['failure']})")
        self.lock["stages"][stage] = report["locked"]
        return Ended()

    def started(self) -> set[str]:
        self.lines = ray.get(self.board.all.remote())
        return set(self.lines)

    def line(self, stage: str) -> str:
        return self.lines.get(stage, "")

    def close(self) -> None:
        """End what still runs."""
        for ref in self.refs:
            ray.cancel(ref)
        ray.wait(self.refs, num_returns=len(self.refs), timeout=PATIENCE) if self.refs else None
        ray.shutdown()


def connect(address: str) -> None:
    """Raises BadInput where no cluster answers."""
    ray.cloudpickle.register_pickle_by_value(sisa)  # so that workers need no copy of this code to begin with
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise BadInput(
            f"no Ray cluster at {address}: {' '.join(str(error).split())[:200]}; start one: ray start --head"
        ) from error


def refuse_other_environments(expected: dict[str, str]) -> None:
    """Raises BadInput naming the nodes on which a stage could come out differently."""
    check, asked = ray.remote(worker.differences), []
    for node in ray.nodes():
        if node["Alive"] and node["Resources"].get("CPU"):
            there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            answer = check.options(num_cpus=0, scheduling_strategy=there).remote(expected)
            asked.append((f"{node['NodeName']} (node {node['NodeID'][:6]})", answer))
    said = [(name, ray.get(answer)) for name, answer in asked]
    if told := "; ".join(f"on {name}, {different}" for name, different in said if different):
        raise BadInput(f"workers must equal this environment: {told}")
