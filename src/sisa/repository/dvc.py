"""The one way to call DVC: quietly, in sight on the terminal, or into a log and stoppable."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil
from configobj import ConfigObj
from tqdm import tqdm

from sisa.base.errors import BadInput

DVC = (sys.executable, "-m", "dvc")
POLL = 0.1  # seconds
RWLOCK = Path(".dvc/tmp/rwlock")  # where DVC keeps which process reads or writes what


def dvc(*arguments: str, folder: Path = Path()) -> str:
    """What `dvc ARGUMENTS` prints. Raises BadInput with DVC's own words."""
    done = subprocess.run([*DVC, *arguments], cwd=folder, check=False, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise BadInput(f"dvc {arguments[0]} fails: {' '.join(done.stderr.split())[-300:]}; mend that first")
    return done.stdout


def dvc_in_sight(*arguments: str) -> None:
    """Run `dvc ARGUMENTS` with its output where ours goes; the terminal's Ctrl-C reaches it, too. It waits until no
    other DVC is at work here. Raises BadInput where it fails."""
    if ended(subprocess.Popen([*DVC, "--wait-for-lock", *arguments], stdin=subprocess.DEVNULL)):
        room = tqdm.format_sizeof(shutil.disk_usage(".").free, "B")  # a full disk is not among DVC's words for it
        raise BadInput(
            f"`dvc {' '.join(arguments)}` failed, for the reason above, with {room} of disk left; mend it, then repeat "
            "this command: it goes on from here"
        )


def dvc_logged(
    *arguments: str,
    log: Path,
    folder: Path = Path(),
    env: Mapping[str, str] | None = None,
    stop: Callable[[], bool] = lambda: False,
    keep: tuple[int, ...] = (),
) -> int:
    """The exit code of `dvc ARGUMENTS`, whose output is appended to `log`; `keep` are files that it holds open.

    A process group of its own keeps the terminal's Ctrl-C away from DVC, which could otherwise stop halfway through
    writing dvc.lock. Once `stop()` is true it is ended, like `ended` says.
    """
    with log.open("a") as file:
        process = subprocess.Popen(
            [*DVC, *arguments], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
            start_new_session=True, pass_fds=keep,
        )  # fmt: skip
    return ended(process, stop)


def ended(process: subprocess.Popen, stop: Callable[[], bool] = lambda: False) -> int:
    """Wait for a DVC process; its exit code.

    Once `stop()` is true, or an exception comes up here, only the stage's command is ended: DVC then sees it fail and
    ends by itself, with dvc.lock whole.
    """
    try:
        while process.poll() is None and not stop():
            time.sleep(POLL)
    finally:
        while process.poll() is None:
            end_commands(process.pid)
            time.sleep(POLL)
    return process.returncode


def end_commands(pid: int) -> None:
    """Ask all that this process started to end."""
    with suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            child.terminate()


def use_cache(clone: Path, cache: str) -> None:
    """Let a clone use this cache. `dvc cache dir` cannot write a path that is not ASCII."""
    (clone / ".dvc").mkdir(exist_ok=True)
    config = ConfigObj({"cache": {"dir": cache}}, encoding="utf-8")
    with (clone / ".dvc/config.local").open("wb") as file:
        config.write(file)


def at_work() -> list[int]:
    """The processes that DVC's own lock file names and that are alive."""
    try:
        held = json.loads(RWLOCK.read_text())
    except (OSError, ValueError):
        return []
    infos = [*held.get("write", {}).values(), *(info for infos in held.get("read", {}).values() for info in infos)]
    return sorted({info["pid"] for info in infos if is_alive(info["pid"])})


def is_alive(process: int) -> bool:
    """A killed process that nobody has waited for is dead, although its number is still taken."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
