"""`make repro JOBS=N` or `RAY=ADDRESS`: stages that do not wait for each other run side by side, then `dvc repro`.

That last, serial `dvc repro` finds everything done: nothing counts that DVC itself has not hashed.
"""

import argparse
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import yaml
from dvc.repo import Repo

from sisa.common.errors import BadInput
from sisa.common.params import load
from sisa.git import git
from sisa.parallel import resources, worker
from sisa.parallel.graph import Ended, Needs, due, walk
from sisa.parallel.machine import Machine
from sisa.parallel.progress import Progress
from sisa.parallel.tasks import Run, Task, pipeline

LOGS = Path(".dvc/tmp/parallel")
WRITTEN = ("params.yaml", "dvc.lock", "metrics", "plots")  # may differ from HEAD: workers are sent it, or write it anew


def main() -> None:
    options = parse_arguments()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # also where a shell has started this in the background
    try:
        run(options)
    except KeyboardInterrupt:
        raise BadInput("stopped; the stages that ended are kept, and the same command goes on from there") from None


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python src parallel", description=__doc__)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--jobs", type=int, metavar="CORES", help="of this machine that stages may take together")
    where.add_argument("--ray", metavar="ADDRESS", help="of a Ray cluster that this machine is part of, or auto")
    options = parser.parse_args()
    if options.jobs is not None and options.jobs < 1:
        raise BadInput(f"JOBS is {options.jobs}; give the number of cores to use, from 1 on")
    return options


def run(options: argparse.Namespace) -> None:
    load()
    table = resources.read(yaml.safe_load(Path("params.yaml").read_text()))
    graph = pipeline()
    wanted = due(graph.needs, graph.changed)
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    if not options.ray:
        carry_out(wanted, Machine(options.jobs, table, LOGS))
        dvc("repro")
        return
    from sisa.parallel.cluster import Cluster

    run = Run(ordered(wanted), worker.read_lock(Path()))
    if wanted:
        dvc("push", "--run-cache")  # what the stages that are up to date have written is what the others start from
        tasks = {stage: Task(run, stage, sorted(graph.needs[stage])) for stage in wanted}
        carry_out(wanted, Cluster(options.ray, tasks, table, LOGS))
    dvc("repro", "--pull")


def ordered(wanted: Needs) -> worker.Order:
    """What workers are told. Raises BadInput unless they can get at this code and these images."""
    status = git("status", "--porcelain", "--untracked-files=no", "--", ".", *(f":!{name}" for name in WRITTEN))
    if changed := [line[3:] for line in status.splitlines()] + [name for name in wanted if name.endswith(".dvc")]:
        raise BadInput(f"workers run what is committed and pushed; commit first: {', '.join(changed)}")
    if not Repo().config["core"].get("remote"):
        raise BadInput(
            "results travel through a DVC remote that all workers reach; add one: dvc remote add -d NAME URL"
        )
    requirements = Path("requirements.txt").read_text()
    return worker.Order(
        url=git("remote", "get-url", "origin").strip(),
        commit=git("rev-parse", "HEAD").strip(),
        params=Path("params.yaml").read_text(),
        environment=worker.environment(worker.pinned(requirements)),
    )


def dvc(*arguments: str) -> None:
    if subprocess.run([sys.executable, "-m", "dvc", *arguments], check=False).returncode:
        raise BadInput(f"dvc {' '.join(arguments)} failed: see above")


def carry_out(needs: Needs, executor) -> None:
    """Raises BadInput where a stage failed, naming its log."""
    with closing(executor), Progress(needs, executor.line) as progress:

        def tick(ended: dict[str, Ended]) -> None:
            progress.started(executor.started())
            progress.ended(ended)

        ended = walk(needs, executor.submit, executor.attempts, tick)
    if failed := {name: each.failure for name, each in ended.items() if each.failure}:
        told = "; ".join(f"{name} failed, see {failure}" for name, failure in failed.items())
        held_back = (
            f"; not started: {', '.join(sorted(needs.keys() - ended.keys()))}" if len(ended) < len(needs) else ""
        )
        raise BadInput(told + held_back)


if __name__ == "__main__":
    main()
