"""Stages to run in clones, of one run or of a whole grid of scenarios, as one graph."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from dvc.repo import Repo

from sisa.parallel.graph import Ended, Needs
from sisa.parallel.worker import Order


@dataclass(frozen=True)
class Task:
    """A stage of a run, and the stages and .dvc files of that run which it reads from."""

    run: "Run"
    stage: str
    reads: list[str]


@dataclass(eq=False)
class Run:
    """What its tasks have in common: their order, and dvc.lock as far as it has come."""

    order: Order
    lock: dict

    def lock_now(self) -> dict:
        """A copy: stages that end meanwhile add to the original."""
        return {**self.lock, "stages": {**self.lock["stages"]}}


@dataclass(frozen=True)
class Pipeline:
    """The graph of dvc.yaml in a folder: each stage and .dvc file with those that it reads from; and what the
    result of each depends on, by which two runs recognize the same work."""

    needs: Needs
    keys: dict[str, str]


def pipeline(folder: Path = Path()) -> Pipeline:
    with Repo(str(folder)) as repo:
        graph = repo.index.graph
        wanted = {stage for stage in graph if stage.path_in_repo == "dvc.yaml"}
        wanted |= {needed for stage in wanted for needed in graph.successors(stage)}
        needs = {stage.addressing: {needed.addressing for needed in graph.successors(stage)} for stage in wanted}
        keys: dict[str, str] = {}
        for stage in wanted:
            key_of(stage, graph, keys)
        return Pipeline(needs, keys)


def key_of(stage, graph, keys: dict[str, str]) -> str:
    """Command, parameters and paths, and the keys of what comes before: equal where the code is."""
    if stage.addressing not in keys:
        parameters = {param.def_path: param.read_params() for param in stage.params}
        paths = sorted(dep.def_path for dep in stage.deps), sorted(out.def_path for out in stage.outs)
        before = sorted(key_of(needed, graph, keys) for needed in graph.successors(stage))
        content = json.dumps([stage.cmd, parameters, *paths, before], sort_keys=True, default=str)
        keys[stage.addressing] = hashlib.sha256(content.encode()).hexdigest()
    return keys[stage.addressing]


def one_graph(runs: dict[str, tuple[Run, Pipeline]]) -> tuple[dict[str, Task], Needs]:
    """All stages of all runs as one graph, by `RUN:STAGE`. What several runs share is computed by the first of
    them; the others wait for it and take it from the run-cache."""
    tasks, needs, first = {}, {}, {}
    for name, (run, graph) in runs.items():
        stages = [stage for stage in graph.needs if not stage.endswith(".dvc")]
        for stage in stages:
            task = f"{name}:{stage}"
            tasks[task] = Task(run, stage, sorted(graph.needs[stage]))
            needs[task] = {f"{name}:{needed}" for needed in graph.needs[stage] if needed in stages}
            needs[task] |= {first.setdefault(graph.keys[stage], task)} - {task}
    return tasks, needs


def kept(task: Task, report: dict, log: Path) -> Ended:
    """Keep what a worker reports: its log, and what was locked for the stages that follow."""
    with log.open("a") as file:
        file.write(report["log"])
    if report["failure"]:
        return Ended(f"{log} ({report['failure']})")
    task.run.lock["stages"][task.stage] = report["locked"]
    return Ended()
