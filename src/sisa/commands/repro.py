"""Run the experiment of params.yaml: `dvc repro`, with stages that do not wait for each other side by side.

By default they share all cores of this machine; `--jobs 1` is plain `dvc repro`, and gives the same bytes. The last,
serial `dvc repro` finds everything done: nothing counts that DVC itself has not hashed.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from sisa.base.errors import BadInput
from sisa.parallel import jobs, resources
from sisa.parallel.graph import Needs, due
from sisa.parallel.machine import Machine
from sisa.parallel.run_graph import run_graph, stoppable
from sisa.parallel.tasks import Run, Task, pipeline
from sisa.repository import lock
from sisa.repository.dvc import dvc_in_sight
from sisa.repository.git import git

LOGS = Path(".dvc/tmp/parallel")
WRITTEN = ("params.yaml", "dvc.lock", "metrics", "plots")  # may differ from HEAD: workers are sent it, or write it anew


arguments = resources.add_arguments


def main(options: argparse.Namespace) -> None:
    cores = options.jobs or resources.cores_here()
    with stoppable():
        validate()
        if options.ray:
            on_cluster(options.ray)
            return
        if cores > 1:
            side_by_side(cores)
        dvc_in_sight("repro")


def validate() -> None:
    """Raises BadInput for what would stop a stage, before DVC deletes its outputs."""
    done = subprocess.run([sys.executable, "src", "validate"], check=False, capture_output=True, text=True)
    print(done.stdout, end="")
    if done.returncode:
        *before, last = done.stderr.strip().splitlines() or ["it ended without a word"]
        sys.stderr.writelines(f"{line}\n" for line in before)  # the whole story of a crash
        raise BadInput(last.removeprefix("error in validate: "))


def side_by_side(cores: int) -> None:
    _, wanted, table = planned()
    run_graph(wanted, Machine(cores, table, LOGS))


def planned() -> tuple[Needs, Needs, dict[str, resources.Resources]]:
    """The whole graph, the part of it that is due, and what its stages take; the folder for logs is there then."""
    needs = pipeline().needs
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    return needs, due(needs, lock.changed()), resources.read(yaml.safe_load(Path("params.yaml").read_text()))


def on_cluster(address: str) -> None:
    from sisa.parallel.cluster import Cluster

    needs, wanted, table = planned()
    check_committed(wanted)
    run = Run(jobs.for_cluster(Path("params.yaml").read_text()), lock.content())
    if wanted:
        # What the stages that are up to date have written is what the others start from.
        dvc_in_sight("push", "--run-cache")
        tasks = {stage: Task(run, stage, sorted(needs[stage])) for stage in wanted}
        run_graph(wanted, Cluster(address, tasks, table, LOGS))
    dvc_in_sight("repro", "--pull")


def check_committed(wanted: Needs) -> None:
    """Raises BadInput unless all that these stages start from is in HEAD, which is what workers run."""
    status = git("status", "--porcelain", "--untracked-files=no", "--", ".", *(f":!{name}" for name in WRITTEN))
    if changed := [line[3:] for line in status.splitlines()] + [name for name in wanted if name.endswith(".dvc")]:
        raise BadInput(f"workers run what is committed and pushed; commit first: {', '.join(changed)}")
