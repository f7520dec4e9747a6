"""Run the experiment of params.yaml: `dvc repro`, with stages that do not wait for each other side by side.

By default they share all cores of this machine; `--jobs 1` is plain `dvc repro`, and gives the same bytes. The last,
serial `dvc repro` finds everything done: nothing counts that DVC itself has not hashed.
"""

import argparse
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from sisa.base.errors import BadInput
from sisa.base.params import EXACT, load
from sisa.base.text import counted
from sisa.parallel import jobs, resources
from sisa.parallel.environment import processor
from sisa.parallel.graph import Needs, due
from sisa.parallel.machine import Machine
from sisa.parallel.run_graph import run_graph, stoppable
from sisa.parallel.tasks import Run, Task, pipeline
from sisa.repository import lock
from sisa.repository.dvc import dvc_in_sight
from sisa.repository.git import GitError, git

LOGS = Path(".dvc/tmp/parallel")
WRITTEN = ("params.yaml", "dvc.lock", "metrics", "plots")  # may differ from HEAD: workers are sent it, or write it anew


arguments = resources.add_arguments


def main(options: argparse.Namespace) -> None:
    cores = options.jobs or resources.cores_here()
    with stoppable():
        validate()
        if options.ray:
            on_cluster(options.ray)
        else:
            if cores > 1:
                side_by_side(cores)
            dvc_in_sight("repro")
    for line in beside_git():
        print(line)


def beside_git() -> Iterator[str]:
    """Whether what was run is what HEAD has, to the byte, where code, data and parameters are those of HEAD."""
    try:
        changed = {line[3:] for line in git("status", "--porcelain", "--untracked-files=no").splitlines()}
        before = lock.parsed(git("show", f"HEAD:./{lock.LOCK}"))
    except (GitError, ValueError):
        return  # no repository, or nothing committed to compare with
    if any(not name.startswith(WRITTEN[1:]) for name in changed):
        return
    then = {out.path: out.md5 for entry in before.values() for out in entry.outs}
    now = {out.path: out.md5 for entry in lock.read().values() for out in entry.outs}
    if then == now and not changed - {str(lock.LOCK)}:
        yield f"{lock.LOCK} is that of HEAD: every shard, model and metric is byte for byte the one that was committed."
        return
    yield counted("notice: not as committed in HEAD", sorted(path for path in now if then.get(path) != now[path]))
    if load().train.precision == EXACT:
        yield "Exact precision should give the same bytes everywhere: please report this, with the next line."
        yield f"{platform.platform()}: {processor()}"
    else:
        yield "Other precisions than exact give other bytes on another kind of machine."


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
