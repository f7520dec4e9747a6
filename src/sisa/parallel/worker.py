"""What a Ray worker does with a stage: run it in a clone of its own, and push what came out to the DVC remote.

Ray carries these functions to the worker; nothing of this repository needs to be installed there but what
requirements.txt pins.
"""

import fcntl
import hashlib
import itertools
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import yaml
from dvc.repo import Repo
from dvc.stage import PipelineStage

from sisa.parallel.environment import differences
from sisa.parallel.jobs import Job
from sisa.parallel.logs import last_line
from sisa.parallel.resources import own_gpus
from sisa.repository.dvc import dvc_logged, use_cache
from sisa.repository.git import GitError, git
from sisa.repository.lock import content

FOLDER = "SISA_WORKERS"  # the environment variable that says where a node keeps its clones and cache


def run_stage(
    job: Job,
    stage: str,
    reads: list[str],
    lock: dict,
    say: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
    gpus: list[str] = (),
) -> dict:
    """Run one stage: its `failure` in one line or None, its `log`, and what DVC `locked` of it.

    `lock` is the part of dvc.lock with what `reads`, the stages before this one, have written. `say` is told how it
    goes, and once `stop()` is true the stage is ended. `gpus` are its own, unless Ray has chosen them.
    """
    if job.environment and (different := differences(job.environment)):
        return {"failure": f"{platform.node()} was refused: {different}", "log": "", "locked": None}
    with own_clone(folder_of(job)) as (clone, held):
        log = clone.with_suffix(".log")
        log.write_text("")
        dvc = partial(dvc_logged, log=log, folder=clone, env=stage_env(gpus), stop=Watch(log, say, stop), keep=(held,))
        try:
            check_out(job, lock, clone)
            failure = failure_of(job, stage, reads, clone, dvc)
        except GitError as error:
            failure = f"{job.commit} of {job.url}: {error}; push the commit, or give this worker access"
        locked = None if failure else content(clone)["stages"][stage]
        return {"failure": failure, "log": log.read_text(errors="replace"), "locked": locked}


def failure_of(job: Job, stage: str, reads: list[str], clone: Path, dvc: Callable[..., int]) -> str | None:
    """Take what the stage reads, run it, hand over what it wrote; what failed, or None."""
    if job.cache:
        return first_failure(dvc, [*taking("checkout", reads), ("repro", "--single-item", stage)])
    commands = [*taking("pull", reads), ("repro", "--pull", "--single-item", stage)]
    if in_git := keeps_in_git(clone, stage):
        commands.append(("commit", "--force", stage))  # `dvc repro` saves no such run for the run-cache
    failure = first_failure(dvc, [*commands, ("push", "--run-cache", stage)])
    return push_kept_in_git(clone, stage) if in_git and not failure else failure


def taking(how: str, reads: list[str]) -> list[tuple[str, ...]]:
    return [(how, "--force", *reads)] if reads else []  # without targets, it would take all


def first_failure(dvc: Callable[..., int], commands: list[tuple[str, ...]]) -> str | None:
    for command in commands:
        if code := dvc(*command):
            return f"dvc {command[0]} ended with exit code {code} on {platform.node()}"
    return None


def keeps_in_git(clone: Path, stage: str) -> bool:
    with loaded(clone, stage) as found:
        return not all(out.use_cache for out in found.outs)


def push_kept_in_git(clone: Path, stage: str) -> str | None:
    """What failed, or None. `dvc push` leaves these outputs out; `dvc repro --pull` takes them from the remote."""
    with loaded(clone, stage) as found:
        for out in (out for out in found.outs if not out.use_cache):
            out.use_cache = True
            if any(found.repo.cloud.push(objects).failed for objects in out.get_used_objs().values()):
                return f"{out} could not be pushed from {platform.node()}"
    return None


@contextmanager
def loaded(clone: Path, stage: str) -> Iterator[PipelineStage]:
    with Repo(str(clone)) as repo:
        yield repo.stage.load_one(str(clone / "dvc.yaml"), stage)


def stage_env(gpus: list[str]) -> dict[str, str]:
    """The environment variables of a stage."""
    # Ray sets the number of OpenMP's threads for its own tasks; a stage has it from its recipe.
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | own_gpus(gpus)
    # Stages call `python`: this one, also where `ray start` was called outside of its environment.
    return env | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}


class Watch:
    """Whether a stage shall stop; tells the last line of its log besides, at most once a second."""

    def __init__(self, log: Path, say: Callable[[str], None], stop: Callable[[], bool]):
        self.log, self.say, self.stop, self.next = log, say, stop, 0.0

    def __call__(self) -> bool:
        if time.monotonic() > self.next:
            self.say(f"{platform.node()}: {last_line(self.log)}")
            self.next = time.monotonic() + 1
        return self.stop()


def check_out(job: Job, lock: dict, clone: Path) -> None:
    """The commit in this clone, with the parameters and what is locked. Raises GitError where it cannot be had."""
    if not (clone / ".git").exists():
        git("clone", "--quiet", "--no-checkout", job.url, str(clone))
        cache = job.cache or clone.with_name("cache")  # of the node: what one clone pulled is there for the others
        use_cache(clone, str(cache))
    try:
        git("cat-file", "-e", f"{job.commit}^{{commit}}", folder=clone)
    except GitError:
        git("fetch", "--quiet", "origin", folder=clone)
    git("checkout", "--quiet", "--force", "--detach", job.commit, folder=clone)
    (clone / "params.yaml").write_text(job.params)
    (clone / "dvc.lock").write_text(yaml.dump(lock, Dumper=yaml.CSafeDumper, sort_keys=False))


def folder_of(job: Job) -> Path:
    """Where the clones of a repository lie."""
    base = job.clones or os.environ.get(FOLDER) or Path.home() / ".cache/sisa-workers"
    return Path(base, hashlib.sha256(job.url.encode()).hexdigest()[:12])


@contextmanager
def own_clone(folder: Path) -> Iterator[tuple[Path, int]]:
    """A clone that nobody else is in, and its lock: what a killed worker left running holds the lock on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        with (folder / f"{number}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder / str(number), file.fileno()
            return
