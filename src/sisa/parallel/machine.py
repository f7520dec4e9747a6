"""Stages side by side on this machine, as many as its cores and GPUs carry."""

import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sisa.base.errors import BadInput
from sisa.parallel import resources, worker
from sisa.parallel.logs import last_line, log_of
from sisa.parallel.resources import Resources, own_gpus
from sisa.parallel.tasks import Task, kept
from sisa.repository.dvc import dvc_logged


class Share:
    """Cores and GPUs that are handed out and come back; GPUs by the names of CUDA_VISIBLE_DEVICES."""

    def __init__(self, cores: int, gpus: list[str]):
        self.all = self.cores = cores
        self.gpus = list(gpus)
        self.changed = threading.Condition()

    @contextmanager
    def of(self, wanted: Resources) -> Iterator[list[str]]:
        """Wait until so much is free; gives the GPUs. What wants more cores than there are runs alone."""
        cores = min(wanted.num_cpus, self.all)
        with self.changed:
            self.changed.wait_for(lambda: self.cores >= cores and len(self.gpus) >= wanted.num_gpus)
            self.cores -= cores
            taken = [self.gpus.pop(0) for _ in range(wanted.num_gpus)]
        try:
            yield taken
        finally:
            with self.changed:
                self.cores += cores
                self.gpus += taken
                self.changed.notify_all()


class Machine:
    """Runs a stage by `dvc repro -s` in this workspace; its `submit` is what `graph.walk` asks for."""

    attempts = 1

    def __init__(self, jobs: int, table: dict[str, Resources], logs: Path):
        gpus = visible_gpus() if any(wanted.num_gpus for wanted in table.values()) else []  # asking takes a second
        for name, wanted in table.items():
            if wanted.num_gpus > len(gpus):
                raise BadInput(f"{resources.FILE}: {name} takes {wanted.num_gpus} GPUs; this machine has {len(gpus)}")
        self.table, self.logs, self.share = table, logs, Share(jobs, gpus)
        self.pool, self.stopping = ThreadPoolExecutor(jobs), threading.Event()
        self.begun: set[str] = set()

    def submit(self, stage: str) -> Future:
        return self.pool.submit(self.run, stage)

    def run(self, name: str) -> str | None:
        """What failed, or None."""
        with self.share.of(resources.of(name, self.table)) as gpus:
            if self.stopping.is_set():
                return "stopped"
            self.begun.add(name)
            return self.run_stage(name, gpus)

    def run_stage(self, name: str, gpus: list[str]) -> str | None:
        command, log = ("--wait-for-lock", "repro", "--single-item", name), log_of(self.logs, name)
        code = dvc_logged(*command, log=log, env=os.environ | own_gpus(gpus), stop=self.stopping.is_set)
        return str(log) if code else None

    def started(self) -> set[str]:
        return self.begun

    def line(self, stage: str) -> str:
        return last_line(log_of(self.logs, stage))

    def close(self) -> None:
        """End what still runs, and wait for it."""
        self.stopping.set()
        self.pool.shutdown(cancel_futures=True)


class Clones(Machine):
    """Runs tasks in clones on this machine, as the workers of a cluster do, but with this repository's cache."""

    def __init__(self, jobs: int, tasks: dict[str, Task], table: dict[str, Resources], logs: Path):
        super().__init__(jobs, table, logs)
        self.tasks, self.said = tasks, {}

    def run_stage(self, name: str, gpus: list[str]) -> str | None:
        task, say = self.tasks[name], partial(self.said.__setitem__, name)
        report = worker.run_stage(*task.told(), say, self.stopping.is_set, gpus)
        return kept(task, report, log_of(self.logs, name))

    def line(self, stage: str) -> str:
        return self.said.get(stage, "")


def visible_gpus() -> list[str]:
    if (named := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None:
        return [name for name in named.split(",") if name]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]
