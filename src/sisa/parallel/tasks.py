"""Stages to run in clones, of one run or of a whole grid of scenarios, as one graph."""

import json
from dataclasses import dataclass
from pathlib import Path

from sisa.parallel.graph import Needs
from sisa.parallel.jobs import Job
from sisa.repository import lock
from sisa.repository.lock import Declared


@dataclass(frozen=True)
class Task:
    """A stage of a run, and the stages and .dvc files of that run which it reads from."""

    run: "Run"
    stage: str
    reads: list[str]

    def told(self) -> tuple[Job, str, list[str], dict]:
        """What `worker.run_stage` is told of it first."""
        return self.run.job, self.stage, self.reads, self.run.lock_for(self)


@dataclass(eq=False)
class Run:
    """What its tasks have in common: their job, and dvc.lock as far as it has come."""

    job: Job
    lock: dict

    def lock_for(self, task: Task) -> dict:
        """What the task reads and what its stage wrote before: DVC takes longer the more is in dvc.lock."""
        names = [name for name in (*task.reads, task.stage) if name in self.lock["stages"]]
        return {**self.lock, "stages": {name: self.lock["stages"][name] for name in names}}


@dataclass(frozen=True)
class Pipeline:
    """The graph of dvc.yaml in a folder: each stage and .dvc file with those that it reads from; and of each stage what
    it does: command, parameters and paths. Where two runs do the same, on equal bytes, the result is the same."""

    needs: Needs
    does: dict[str, str]


def pipeline(folder: Path = Path(), kept_in_git: bool = True) -> Pipeline:
    """`kept_in_git`: whether it does the stages that leave results to Git, too."""
    declared = lock.declared(folder)
    done = {name: each for name, each in declared.items() if each.cmd and (kept_in_git or not each.in_git)}
    return Pipeline({name: each.needs for name, each in declared.items()}, {name: does(done[name]) for name in done})


def does(stage: Declared) -> str:
    return json.dumps([stage.cmd, stage.params, sorted(stage.deps), sorted(stage.outs)], sort_keys=True)


def one_graph(runs: dict[str, tuple[Run, Pipeline]]) -> tuple[dict[str, Task], Needs]:
    """All stages of all runs as one graph, by `RUN:STAGE`. Of those that do the same, each waits for the one before: if
    it also reads the same bytes, which nobody knows before they are written, it is then in the run-cache."""
    tasks, needs, latest = {}, {}, {}
    for name, (run, graph) in runs.items():
        for stage, does in graph.does.items():
            task = f"{name}:{stage}"
            tasks[task] = Task(run, stage, sorted(graph.needs[stage]))
            needs[task] = {f"{name}:{needed}" for needed in graph.needs[stage] & graph.does.keys()}
            needs[task] |= {latest[does]} if does in latest else set()
            latest[does] = task
    return tasks, needs


def kept(task: Task, report: dict, log: Path) -> str | None:
    """Keep what a worker reports: its log, and what was locked for the stages that follow; what failed, or None."""
    with log.open("a") as file:
        file.write(report["log"])
    if report["failure"]:
        return f"{log} ({report['failure']})"
    task.run.lock["stages"][task.stage] = report["locked"]
    return None
