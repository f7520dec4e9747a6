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
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import yaml
from dvc.repo import Repo
from dvc.stage import PipelineStage

from sisa.parallel.processes import dvc, last_line, own_gpus
from sisa.repository.git import GitError, git

FOLDER = "SISA_WORKERS"  # the environment variable that says where a node keeps its clones and cache
INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # with and without them, bfloat16 is computed differently


@dataclass(frozen=True)
class Order:
    """What all stages of a run have in common: code, parameters (the text of params.yaml), and the environment.

    `cache` is that of this machine, where no remote is needed; `clones` is the folder for them, the node's own if None.
    """

    url: str
    commit: str
    params: str
    environment: dict[str, str] = field(default_factory=dict)
    cache: str | None = None
    clones: str | None = None


def environment(packages: list[str]) -> dict[str, str]:
    """All that bits depend on besides code and data. Processors of two makers differ even with equal instructions."""
    import torch

    has = torch.cpu.get_capabilities()
    found = {
        "Python": platform.python_version(),
        "processor": has.get("cpu_name", platform.processor()),
        "CPU": torch.backends.cpu.get_cpu_capability(),
    }
    return found | {name: str(has.get(name, False)) for name in INSTRUCTIONS} | dict(map(installed, packages))


def installed(package: str) -> tuple[str, str]:
    try:
        return package, version(package)
    except PackageNotFoundError:
        return package, "none"


def pinned(requirements: str) -> list[str]:
    """The names of the packages in the text of a requirements.txt."""
    return [line.split("==")[0].split("[")[0] for line in requirements.splitlines() if "==" in line]


def differences(expected: dict[str, str]) -> str:
    """How this worker differs from what is expected, in words; empty where it does not."""
    here = environment([])
    here |= dict(installed(name) for name in expected if name not in here)
    return ", ".join(f"{name} is {here[name]}, not {value}" for name, value in expected.items() if here[name] != value)


def carry_out(
    order: Order,
    stage: str,
    needs: list[str],
    lock: dict,
    say: Callable[[str], None],
    stop: Callable[[], bool] = lambda: False,
    gpus: list[str] = (),
) -> dict:
    """Run one stage: its `failure` in one line or None, its `log`, and what DVC `locked` of it.

    `lock` is the part of dvc.lock with what `needs`, the stages before this one, have written. `say` is told how it
    goes, and once `stop()` is true the stage is ended. `gpus` are its own, unless Ray has chosen them.
    """
    if order.environment and (different := differences(order.environment)):
        return {"failure": f"{platform.node()} was refused: {different}", "log": "", "locked": None}
    with own_clone(folder_of(order)) as (clone, held):
        log = clone.with_suffix(".log")
        log.write_text("")
        try:
            failure = run(order, stage, needs, lock, clone, log, held, Watch(log, say, stop), gpus)
        except GitError as error:
            failure = f"{order.commit} of {order.url}: {error}; push the commit, or give this worker access"
        locked = None if failure else read_lock(clone)["stages"][stage]
        return {"failure": failure, "log": log.read_text(errors="replace"), "locked": locked}


def run(
    order: Order,
    stage: str,
    needs: list[str],
    lock: dict,
    clone: Path,
    log: Path,
    held: int,
    watch: "Watch",
    gpus: list[str],
) -> str | None:
    """What failed, or None."""
    check_out(order, clone)
    (clone / "params.yaml").write_text(order.params)
    (clone / "dvc.lock").write_text(yaml.dump(lock, Dumper=yaml.CSafeDumper, sort_keys=False))
    take, pull = ("checkout", []) if order.cache else ("pull", ["--pull"])
    commands = [(take, "--force", *needs)] if needs else []  # without targets, it would take all
    commands.append(("repro", *pull, "--single-item", stage))
    kept_in_git = not order.cache and keeps_in_git(clone, stage)
    if kept_in_git:
        commands.append(("commit", "--force", stage))  # `dvc repro` saves no such run for the run-cache
    if not order.cache:
        commands.append(("push", "--run-cache", stage))
    # Ray sets the number of OpenMP's threads for its own tasks; a stage has it from its recipe.
    env = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | own_gpus(gpus)
    # Stages call `python`: this one, also where `ray start` was called outside of its environment.
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in commands:
        if code := dvc(*command, log=log, folder=clone, env=env, stop=watch, keep=(held,)):
            return f"dvc {command[0]} ended with exit code {code} on {platform.node()}"
    return push_kept_in_git(clone, stage) if kept_in_git else None


def keeps_in_git(clone: Path, stage: str) -> bool:
    with loaded(clone, stage) as found:
        return not all(out.use_cache for out in found.outs)


def push_kept_in_git(clone: Path, stage: str) -> str | None:
    """What failed, or None. `dvc push` leaves these outputs out; `dvc repro --pull` takes them from the remote."""
    with loaded(clone, stage) as found:
        for out in found.outs:
            if out.use_cache:
                continue
            out.use_cache = True
            for objects in out.get_used_objs().values():
                if found.repo.cloud.push(objects).failed:
                    return f"{out} could not be pushed from {platform.node()}"
    return None


@contextmanager
def loaded(clone: Path, stage: str) -> Iterator[PipelineStage]:
    with Repo(str(clone)) as repo:
        yield repo.stage.load_one(str(clone / "dvc.yaml"), stage)


class Watch:
    """Whether a stage shall stop; tells the last line of its log besides, at most once a second."""

    def __init__(self, log: Path, say: Callable[[str], None], stop: Callable[[], bool]):
        self.log, self.say, self.stop, self.next = log, say, stop, 0.0

    def __call__(self) -> bool:
        if time.monotonic() > self.next:
            self.say(f"{platform.node()}: {last_line(self.log)}")
            self.next = time.monotonic() + 1
        return self.stop()


def check_out(order: Order, clone: Path) -> None:
    if not (clone / ".git").exists():
        git("clone", "--quiet", "--no-checkout", order.url, str(clone))
        cache = order.cache or clone.with_name("cache")  # of the node: what one clone pulled is there for the others
        (clone / ".dvc").mkdir()
        (clone / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache}\n")
    try:
        git("cat-file", "-e", f"{order.commit}^{{commit}}", folder=clone)
    except GitError:
        git("fetch", "--quiet", "origin", folder=clone)
    git("checkout", "--quiet", "--force", "--detach", order.commit, folder=clone)


def read_lock(folder: Path) -> dict:
    """The content of dvc.lock."""
    try:
        return yaml.load((folder / "dvc.lock").read_text(), Loader=yaml.CSafeLoader)
    except FileNotFoundError:
        return {"schema": "2.0", "stages": {}}


def folder_of(order: Order) -> Path:
    """Where the clones of a repository lie."""
    base = order.clones or os.environ.get(FOLDER) or Path.home() / ".cache/sisa-workers"
    return Path(base, hashlib.sha256(order.url.encode()).hexdigest()[:12])


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
