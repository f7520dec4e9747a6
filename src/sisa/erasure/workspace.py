"""What an erase asks of the workspace before it begins, and what killed processes have left there."""

import re
import shutil
from collections.abc import Collection
from pathlib import Path

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.text import number_of
from sisa.repository import lock
from sisa.repository.dvc import RWLOCK, at_work
from sisa.repository.git import git
from sisa.sources import roster

# DVC's trials of which links the disk knows, and files that were to be renamed into place (sisa.base.files.beside)
LEFT_BEHIND = re.compile(r"\.[\w-]{22}\.tmp|\..+\.\d+\.part")


def check() -> None:
    """Raises BadInput unless everything in the workspace is committed, in place and left alone by others."""
    if git("rev-parse", "--is-shallow-repository").strip() != "false":
        raise BadInput("this is a shallow clone, whose history cannot be searched; run: git fetch --unshallow")
    if changed := git("status", "--porcelain", "--untracked-files=no").splitlines():
        names = ", ".join(line[3:] for line in changed[:5])
        raise BadInput(
            f"uncommitted changes in {number_of(len(changed), 'file')} ({names}); commit them, or undo them, first"
        )
    if busy := at_work():
        raise BadInput(f"DVC is at work here (process {', '.join(map(str, busy))}); wait until it has ended")
    files = (path for top in ("data", "models") for path in Path(top).rglob("*") if path.is_file())
    needed = 2 * sum(path.stat().st_size for path in files)
    if (free := shutil.disk_usage(".").free) < needed:
        raise BadInput(f"the disk has {number_of(free, 'byte')} left, and this may need {needed:,}; make room first")
    if lock.changed() & lock.declared().keys():  # a data set that the pipeline does not read need not be here
        raise BadInput("data or models are not as dvc.lock has them; run dvc status, then dvc checkout or dvc repro")


def check_raw(datasets: Collection[str]) -> None:
    """Raises BadInput unless these data sets have a roster, and raw images as their .dvc files have them."""
    for name in datasets:
        roster.read(paths.roster(name))
    tracked = {f"{paths.raw(name)}.dvc": name for name in datasets}
    for file in sorted(tracked.keys() & lock.changed()) if tracked else ():
        raise BadInput(
            f"{paths.raw(tracked[file])} holds one of the images as well, and is not as {file} has it; "
            f"commit what is there after make data DATASET={tracked[file]}, or undo it: dvc checkout {file}"
        )


def clear_up() -> None:
    """Take away what killed processes leave: a lock file that is empty or names only the dead, at which the next DVC
    stops; files half-written or on trial, which would count as those of their folder; half-trained models."""
    if RWLOCK.exists() and not at_work():
        RWLOCK.unlink()
    for path in (path for top in ("data", "models", "metrics", "plots") for path in Path(top).rglob(".*")):
        if LEFT_BEHIND.fullmatch(path.name):
            path.unlink()
    for folder in Path("models").glob(".partial-*"):  # of a training that was stopped
        shutil.rmtree(folder)
