"""`make repro JOBS=N` or `RAY=ADDRESS`: stages that do not wait for each other run side by side, then `dvc repro`.

That last, serial `dvc repro` finds everything done: nothing counts that DVC itself has not hashed.
"""

import argparse
import shutil
import signal
from pathlib import Path

import yaml
from dvc.repo import Repo

from sisa.base.errors import BadInput
from sisa.base.params import load
from sisa.parallel import jobs, resources, worker
from sisa.parallel.graph import Needs, due
from sisa.parallel.machine import Machine
from sisa.parallel.processes import dvc_in_sight
from sisa.parallel.run_graph import carry_out
from sisa.parallel.tasks import Run, Task, pipeline
from sisa.repository.git import git

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
    where.add_argument(
        "--jobs", type=resources.cores, metavar="CORES", help="of this machine that stages may take together"
    )
    where.add_argument("--ray", metavar="ADDRESS", help="of a Ray cluster that this machine is part of, or auto")
    return parser.parse_args()


def run(options: argparse.Namespace) -> None:
    load()
    table = resources.read(yaml.safe_load(Path("params.yaml").read_text()))
    graph = pipeline()
    wanted = due(graph.needs, set(Repo().status()))
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    if not options.ray:
        carry_out(wanted, Machine(options.jobs, table, LOGS))
        dvc_in_sight("repro")
        return
    from sisa.parallel.cluster import Cluster

    check_committed(wanted)
    run = Run(jobs.for_cluster(Path("params.yaml").read_text()), worker.read_lock(Path()))
    if wanted:
        # What the stages that are up to date have written is what the others start from.
        dvc_in_sight("push", "--run-cache")
        tasks = {stage: Task(run, stage, sorted(graph.needs[stage])) for stage in wanted}
        carry_out(wanted, Cluster(options.ray, tasks, table, LOGS))
    dvc_in_sight("repro", "--pull")


def check_committed(wanted: Needs) -> None:
    """Raises BadInput unless all that these stages start from is in HEAD, which is what workers run."""
    status = git("status", "--porcelain", "--untracked-files=no", "--", ".", *(f":!{name}" for name in WRITTEN))
    if changed := [line[3:] for line in status.splitlines()] + [name for name in wanted if name.endswith(".dvc")]:
        raise BadInput(f"workers run what is committed and pushed; commit first: {', '.join(changed)}")


if __name__ == "__main__":
    main()
