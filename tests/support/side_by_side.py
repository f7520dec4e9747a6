"""What runs side by side, on one machine or on Ray, is held against: the bytes of a serial run."""

import shutil
from pathlib import Path

from support.repo import Outcome, Repo

GRID = ("scenarios", "--dataset", "tiny", "--classes", "3", "--leakage", "high", "--scopes", "dominant", "all")
RAN = ["evaluate", "evaluate", "split", "train", "train"]  # both scenarios have the same split
WRITTEN = ("data", "models", "metrics", "plots")
TRAIN = "src/sisa/stages/train_shards.py"


def results(repo: Repo) -> dict[str, str]:
    """The bytes of everything that the stages write; .gitignore files list outputs in the order of execution."""
    return {name: digest for name, digest in repo.files(*WRITTEN).items() if not name.endswith(".gitignore")}


def sabotage(repo: Repo, lines: str) -> None:
    """Let the training of a shard `name` begin with these lines."""
    source, start = (repo / TRAIN).read_text(), "def main(name: str) -> None:\n"
    assert start in source
    (repo / TRAIN).write_text(source.replace(start, start + lines))


def run_again(serial_grid: Repo, folder: Path, *where: str) -> tuple[list[str], list[str]]:
    """Run the grid as `where` says, in a copy that knows nothing of it, and check that it gives the serial branches.

    What the stages noted in `folder`/ran, and which of them the second part, scenario by scenario, still had to run.
    """
    repo = serial_grid.copied_to(folder / "grid")
    shutil.rmtree(repo / ".dvc/tmp/scenarios")
    repo.empty_run_cache()
    branches = repo.git("for-each-ref", "--format=%(refname) %(tree)", "refs/heads/scenario/").printed
    names = [line.split()[0].removeprefix("refs/heads/") for line in branches.splitlines()]
    assert len(names) == 2
    repo.git("branch", "--quiet", "-D", *names)

    repo.python("src", *GRID, *where, RAN=str(folder / "ran"))
    assert repo.git("for-each-ref", "--format=%(refname) %(tree)", "refs/heads/scenario/").printed == branches
    logs = [repo / f".dvc/tmp/scenarios/{name.removeprefix('scenario/')}.log" for name in names]
    executed = [stage for log in logs for stage in Outcome(0, log.read_text()).executed]
    return sorted((folder / "ran").read_text().split()), executed
