"""Whether DVC's experiment queue carries out every job that it is given: why `make scenarios` runs one after the other.

    python benchmarks/queue_races.py [--jobs 8] [--repeats 5]

Each repeat makes a repository with one stage of a second, queues experiments that differ in one parameter, starts
1, 2 and 4 workers, waits until no task is queued or running, and counts the experiments with the metrics that their
parameter must give. Counts over all repeats, in benchmarks/queue_races.csv.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

WORKERS = (1, 2, 4)
PATIENCE = 300  # seconds without a change after which a queue counts as stuck
PIPELINE = """
stages:
  count:
    cmd: python count.py
    deps: [count.py]
    params: [x]
    metrics:
      - metrics.json: {cache: false}
"""
STAGE = """
import json, time, yaml
time.sleep(1)
json.dump({"y": 2 * yaml.safe_load(open("params.yaml"))["x"]}, open("metrics.json", "w"))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rows = []
    for workers in WORKERS:
        for _ in tqdm(range(options.repeats), desc=f"{workers} workers", disable=None):
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                outcome = queued(Path(folder), options.jobs, workers)
            rows.append({"workers": workers, "jobs": options.jobs, **outcome})
    table = pd.DataFrame(rows).groupby("workers").sum().reset_index()
    table.to_csv("benchmarks/queue_races.csv", index=False)
    machine.write("queue_races", {"repeats": options.repeats, "jobs": options.jobs})
    print(tabulate(table, headers="keys", showindex=False))


def queued(folder: Path, jobs: int, workers: int) -> dict[str, int]:
    """Queue the jobs in a new repository and say what became of them."""
    for name, text in {"dvc.yaml": PIPELINE, "count.py": STAGE, "params.yaml": "x: 0\n"}.items():
        (folder / name).write_text(text)
    run(folder, "git", "init", "--quiet")
    run(folder, "dvc", "init", "--quiet")
    run(folder, "git", "add", ".")
    run(folder, "git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "Pipeline")
    for job in range(1, jobs + 1):
        run(folder, "dvc", "exp", "run", "--queue", "--name", f"job-{job}", "--set-param", f"x={job}")
    run(folder, "dvc", "queue", "start", "--jobs", str(workers))
    states = settled(folder)
    shown = json.loads(run(folder, "dvc", "exp", "show", "--json"))
    done = {}
    for revision in shown:
        for experiment in revision.get("experiments") or []:
            data = experiment["revs"][0]["data"] or {}
            done[experiment["name"]] = (data.get("metrics") or {}).get("metrics.json", {}).get("data", {}).get("y")
    right = sum(done.get(f"job-{job}") == 2 * job for job in range(1, jobs + 1))
    return {
        "right": right,
        "reported failed": states["Failed"],
        "never run": states["Queued"] + states["Running"],
        "reported done, without a result": max(0, states["Success"] - right),
    }


def settled(folder: Path) -> Counter:
    """The states of the tasks when nothing is left to do, or nothing has moved for PATIENCE."""
    last, since = Counter(), time.monotonic()
    while True:
        lines = run(folder, "dvc", "queue", "status").splitlines()
        states = Counter(
            word for line in lines for word in line.split() if word in ("Queued", "Running", "Failed", "Success")
        )
        if not states["Queued"] + states["Running"]:
            return states
        if states != last:
            last, since = states, time.monotonic()
        if time.monotonic() - since > PATIENCE:
            run(folder, "dvc", "queue", "stop", "--kill")
            return states
        time.sleep(2)


def run(folder: Path, *command: str) -> str:
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    machine.run(main)
