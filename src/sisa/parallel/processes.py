"""Run DVC in a process group of its own, and end it without tearing its lock file."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from sisa.base.errors import BadInput

POLL = 0.1  # seconds


def dvc(
    *arguments: str,
    log: Path,
    folder: Path = Path(),
    env: Mapping[str, str] | None = None,
    stop: Callable[[], bool] = lambda: False,
    keep: tuple[int, ...] = (),
) -> int:
    """The exit code of `dvc ARGUMENTS`, whose output is appended to `log`; `keep` are files that it holds open.

    A group of its own keeps the terminal's Ctrl-C away from DVC, which could otherwise stop halfway through writing
    dvc.lock. Once `stop()` is true, or an exception comes up here, only the stage's command is ended: DVC then sees it
    fail and ends by itself.
    """
    command = [sys.executable, "-m", "dvc", *arguments]
    with log.open("a") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file, start_new_session=True,
            pass_fds=keep,
        )  # fmt: skip
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
    try:
        for child in psutil.Process(pid).children(recursive=True):
            child.terminate()
    except psutil.NoSuchProcess:
        pass


def dvc_in_sight(*arguments: str) -> None:
    """Run `dvc ARGUMENTS` with its output where ours goes. Raises BadInput where it fails."""
    if subprocess.run([sys.executable, "-m", "dvc", *arguments], check=False).returncode:
        raise BadInput(f"dvc {' '.join(arguments)} failed: see above")


def own_gpus(gpus: list[str]) -> dict[str, str]:
    """A stage that takes no GPU of its own sees what the serial run sees: the device is part of its bits."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if gpus else {}


def log_of(folder: Path, stage: str) -> Path:
    return folder / f"{stage.replace('/', '_')}.log"


def last_line(log: Path) -> str:
    """The last line with something on it, as a progress bar leaves it."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
