"""Seconds from asking to forget the class to new metrics, and where they go; and the same with everything retrained.

    python benchmarks/time_to_forget.py [--repeats 3]        (after make repro)

In a temporary clone, for the scenario of params.yaml: nothing forgotten is run first; then forget.class is set and
`dvc repro` timed, without the run-cache, in turn with `dvc repro --force`, which retrains all members and both
baselines. Each stage that ran is then timed without DVC, and once more for its imports alone; hashing is read off a
profile of one further `dvc repro`. Medians, in seconds, in benchmarks/time_to_forget.csv.
"""

import argparse
import pstats
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import yaml
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

ROOT = Path(__file__).parents[1]
TRAINING = ("train_shards", "baseline_full", "retrain", "baseline_retrained")
PARTS = dict.fromkeys(TRAINING, "training stages") | dict.fromkeys(("predict", "evaluate", "cost"), "evaluation")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        clone = cloned(Path(folder, "clone"))
        asked = yaml.safe_load((clone / "params.yaml").read_text())["forget"]["class"]
        rows = []
        for repeat in tqdm(range(repeats), desc="repeats", disable=None):
            forget(clone, None)
            run(clone, "dvc", "repro", "--quiet")
            forget(clone, asked)
            rows += measured(clone, repeat, "forget", "--no-run-cache")
            rows += measured(clone, repeat, "retrain everything", "--no-run-cache", "--force")
            rows.append((repeat, "nothing to do", "total", timed(clone, "dvc", "repro")[0]))
        rows.append((0, "retrain everything", "of DVC, hashing", hashing(clone, "--no-run-cache", "--force")))
        forget(clone, None)
        run(clone, "dvc", "repro", "--quiet")
        forget(clone, asked)
        rows.append((0, "forget", "of DVC, hashing", hashing(clone, "--no-run-cache")))
    table = pd.DataFrame(rows, columns=["repeat", "what", "part", "seconds"])
    table = table.groupby(["what", "part"], sort=False)["seconds"].median().unstack(sort=False).round(2).reset_index()
    table.to_csv("benchmarks/time_to_forget.csv", index=False)
    machine.write("time_to_forget", {"repeats": repeats, "rows": [list(row) for row in rows]})
    print(tabulate(table, headers="keys", showindex=False, floatfmt=".2f"))


def cloned(clone: Path) -> Path:
    """A clone of the committed tree with its own cache, filled from this one's."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    shutil.copytree(ROOT / ".dvc/cache/files", clone / ".dvc/cache/files")
    run(clone, "dvc", "checkout", "--quiet")
    return clone


def forget(clone: Path, name: str | None) -> None:
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["forget"]["class"] = name
    (clone / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


def measured(clone: Path, repeat: int, what: str, *options: str) -> list[tuple]:
    """Where the seconds of one `dvc repro` went, as rows (repeat, what, part, seconds)."""
    total, printed = timed(clone, "dvc", "repro", *options)
    parts = dict.fromkeys(("imports", *PARTS.values(), "other stages"), 0.0)
    for command in re.findall(r"^> python (src .*)$", printed, flags=re.MULTILINE):
        whole, imported = timed(clone, sys.executable, *command.split())[0], imports(clone, *command.split())
        parts["imports"] += imported
        parts[PARTS.get(command.split()[1], "other stages")] += whole - imported
    parts = {"total": total, **parts, "DVC": total - sum(parts.values())}
    return [(repeat, what, part, seconds) for part, seconds in parts.items()]


def imports(clone: Path, *command: str) -> float:
    """Seconds that a stage spends importing, by Python's own account."""
    python = [sys.executable, "-X", "importtime", *command]
    printed = subprocess.run(python, cwd=clone, check=True, capture_output=True, text=True).stderr
    return sum(int(own) for own in re.findall(r"^import time:\s+(\d+)", printed, flags=re.MULTILINE)) / 1e6


def hashing(clone: Path, *options: str) -> float:
    """Seconds in which DVC builds and hashes what stages read and write."""
    profile = clone.with_name("profile")
    run(clone, "dvc", "repro", "--quiet", *options, "--cprofile", "--cprofile-dump", str(profile))
    functions = pstats.Stats(str(profile)).stats
    return sum(
        entry[3] for (file, _, name), entry in functions.items() if name == "build" and "dvc_data/hashfile" in file
    )


def timed(clone: Path, *command: str) -> tuple[float, str]:
    start = time.perf_counter()
    printed = run(clone, *command)
    return time.perf_counter() - start, printed


def run(clone: Path, *command: str) -> str:
    return subprocess.run(command, cwd=clone, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    machine.run(main)
