"""How DVC's own time, the stages and the disk grow with shards, images and slices; and what side by side gives.

    python benchmarks/scale.py growth [--shards 5 10 25 50] [--images 5000 20000 60000] [--slices 1 2 5 10]
    python benchmarks/scale.py waiting [--shards 16] [--jobs 8] [--seconds 60] [--ray ADDRESS]
    python benchmarks/scale.py pairs [--repeats 5]

growth: the pipeline of HEAD in a clone, on Fashion-MNIST (Debian's dataset-fashion-mnist), each label cut into as many
classes as there must be shards; the recipe fast for one epoch, no leakage. One of the three varies, the others keep
their first value. scale-growth.csv: seconds of `dvc repro`, of these what the stages' commands do not take, of a second
`dvc repro` that finds all done, of `dvc status`; the size of dvc.lock and of the cache; the largest process.
scale-stages.csv: seconds of each stage's command; of those that each shard has, the slowest.
waiting: stages that sleep, so that cores are no limit; the share of the ideal speed-up that jobs or a cluster reach.
pairs: the default experiment of HEAD, serial and with JOBS=2 in turn, from nothing.

Each row goes to benchmarks/scale-*.csv when it is measured, with the machine, its load before it all began, and the
date. growth and pairs go on from the rows that are there; delete the file to begin anew.
"""

import argparse
import gzip
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

from sisa.base.errors import BadInput
from sisa.base.files import beside
from sisa.repository.git import git

FASHION = Path("/usr/share/datasets/fashion-mnist")  # apt-get install dataset-fashion-mnist
LABELS = 10
LOAD = round(os.getloadavg()[0], 1)  # of others on this machine: no figure of a busy one says much
DVC = (sys.executable, "-m", "dvc")
TIMED = """#!/bin/bash
began=$EPOCHREALTIME
bash "$@"
code=$?
echo $DVC_STAGE $began $EPOCHREALTIME >> {log}
exit $code
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    kinds = parser.add_subparsers(dest="kind", required=True)
    each = kinds.add_parser("growth")
    each.add_argument("--shards", type=int, nargs="+", default=[5, 10, 25, 50])
    each.add_argument("--images", type=int, nargs="+", default=[5000, 20000, 60000])
    each.add_argument("--slices", type=int, nargs="+", default=[1, 2, 5, 10])
    each = kinds.add_parser("waiting")
    each.add_argument("--shards", type=int, default=16)
    each.add_argument("--jobs", type=int, default=8)
    each.add_argument("--seconds", type=int, default=60)
    each.add_argument("--ray", metavar="ADDRESS", help="of a cluster with as many cores as --jobs says")
    kinds.add_parser("pairs").add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    {"growth": growth, "waiting": waiting, "pairs": pairs}[options.kind](options)


def table(name: str) -> pd.DataFrame:
    file = Path(f"benchmarks/scale-{name}.csv")
    return pd.read_csv(file, dtype=str) if file.exists() else pd.DataFrame()


def add(name: str, row: dict) -> None:
    """Add a row to benchmarks/scale-NAME.csv, and show the table."""
    this = machine.here()
    row |= {"machine": f"{this['processor']}, {this['cores']} cores", "load before": LOAD, "date": this["date"]}
    rows = pd.concat([table(name), pd.DataFrame([row]).astype(str)])
    with beside(Path(f"benchmarks/scale-{name}.csv")) as part:
        rows.to_csv(part, index=False)
    print(tabulate(rows, headers="keys", showindex=False))


def growth(options: argparse.Namespace) -> None:
    axes = {"shards": options.shards, "images": options.images, "slices": options.slices}
    base = {axis: values[0] for axis, values in axes.items()}
    points = [base, *(base | {axis: value} for axis, values in axes.items() for value in values[1:])]
    there = table("growth").reindex(columns=list(axes)).astype(float).to_dict("records")
    for point in tqdm([point for point in points if point not in there], desc="growth", disable=None):
        with clone_of_head() as repo:
            bring_in(repo, **point)
            stages, measured = measure(repo)
        add("stages", point | stages)
        add("growth", point | measured)


def measure(repo: Path) -> tuple[dict, dict]:
    """Seconds of each kind of stage, the slowest; and the figures of DVC."""
    shell, log = repo.with_name("shell"), repo.with_name("seconds")  # DVC runs each stage's command by $SHELL
    shell.write_text(TIMED.format(log=log))
    shell.chmod(0o755)
    began = time.perf_counter()
    env = os.environ | {"SHELL": str(shell)}
    with subprocess.Popen([*DVC, "repro", "--quiet"], cwd=repo, env=env, stdout=subprocess.DEVNULL) as run:
        _, status, used = os.wait4(run.pid, 0)  # of DVC and of all that it ran
        run.returncode = os.waitstatus_to_exitcode(status)
    whole = time.perf_counter() - began
    if run.returncode:
        raise BadInput("dvc repro failed: see above")
    commands = pd.read_csv(log, sep=" ", names=["stage", "from", "to"])
    seconds = commands["to"] - commands["from"]
    kinds = seconds.groupby(commands["stage"].str.split("@").str[0], sort=False).max()
    return {f"{kind} s": round(slowest, 1) for kind, slowest in kinds.items()}, {
        "repro s": round(whole, 1),
        "of this DVC s": round(whole - seconds.sum(), 1),
        "no-op s": timed(repo, "repro"),
        "status s": timed(repo, "status"),
        "dvc.lock kB": round((repo / "dvc.lock").stat().st_size / 1e3, 1),
        "cache MB": round(
            sum(file.stat().st_size for file in (repo / ".dvc/cache").rglob("*") if file.is_file()) / 1e6
        ),
        "largest process MB": round(used.ru_maxrss * 1024 / 1e6),
    }


def timed(repo: Path, *command: str) -> float:
    """The median seconds of three calls of a DVC command."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([*DVC, *command], cwd=repo, check=True, capture_output=True)
        seconds.append(time.perf_counter() - began)
    return round(statistics.median(seconds), 2)


@contextmanager
def clone_of_head() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        repo = Path(folder, "repo")
        git("clone", "--quiet", ".", str(repo))
        yield repo


def bring_in(repo: Path, shards: int, images: int, slices: int) -> None:
    """Make a data set of Fashion-MNIST's first images in the clone, with as many classes as shards, and choose it."""
    names = [f"label{number % LABELS}-part{number // LABELS:02}" for number in range(shards)]
    counts = draw(names, images, repo.with_name("photos"))
    held_out = counts // 10
    dataset = {
        "name": "scale", "image_size": 28, "channels": 1, "test_per_class": held_out, "forget_class": names[0],
        "class_sets": {str(shards): sorted(names)}, "source": {"kind": "folder"},
    }  # fmt: skip
    (repo / "dvc.lock").unlink()
    (repo / "conf/dataset/scale.yaml").write_text(yaml.safe_dump(dataset))
    subprocess.run(
        [sys.executable, "src", "data", "--dataset", "scale", "--from", str(repo.with_name("photos"))],
        cwd=repo, check=True, capture_output=True,
    )  # fmt: skip
    from dvc.utils.hydra import compose_and_dump

    choices = [
        "dataset=scale", f"classes={shards}", "leakage=none", f"leakage.dominant={counts - held_out}",
        "leakage.restricted=[]", f"slices={slices}", "train.epochs=1",
    ]  # fmt: skip
    compose_and_dump(repo / "params.yaml", str(repo / "conf"), None, "config", str(repo / ".dvc"), choices)


def draw(names: list[str], images: int, folder: Path) -> int:
    """Write the images as PNG files; gives how many each class got. A label's images go to its classes in turn."""
    pixels, labels = read_idx("train-images-idx3-ubyte.gz", 16), read_idx("train-labels-idx1-ubyte.gz", 8)
    pixels = pixels.reshape(-1, 28, 28)
    each = images // len(names)
    for name in names:
        label, part = (int(number) for number in re.findall(r"\d+", name))
        parts = sum(other.startswith(f"label{label}-") for other in names)
        (folder / name).mkdir(parents=True)
        for place in np.flatnonzero(labels % min(LABELS, len(names)) == label)[part::parts][:each]:
            Image.fromarray(pixels[place]).save(folder / name / f"{place:05}.png")
    return min(len([*(folder / name).iterdir()]) for name in names) * 95 // 100  # a few images occur twice


def read_idx(name: str, header: int) -> np.ndarray:
    file = FASHION / name
    if not file.exists():
        raise BadInput(f"{file} is not there; install it: apt-get install dataset-fashion-mnist")
    return np.frombuffer(gzip.decompress(file.read_bytes())[header:], np.uint8)


def waiting(options: argparse.Namespace) -> None:
    """Replace training by sleep in a pipeline of its own, and compare with the ideal: waves of jobs."""
    with clone_of_head() as repo:
        stages = {"first": {"cmd": "echo 0 > first", "deps": ["README.md"], "outs": ["first"]}}
        for number in range(options.shards):
            name = f"wait{number:02}"
            command = f"sleep {options.seconds} && echo {number} > {name}"
            stages[name] = {"cmd": command, "deps": ["first"], "outs": [name]}
        (repo / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
        (repo / "dvc.lock").unlink()
        where = ["--jobs", str(options.jobs)]
        if options.ray:
            publish(repo)
            where = ["--ray", options.ray]
        began = time.perf_counter()
        subprocess.run([sys.executable, "src", "repro", *where], cwd=repo, check=True)
        seconds = time.perf_counter() - began
    ideal = -(-options.shards // options.jobs) * options.seconds
    add(
        "waiting",
        {
            "where": "Ray" if options.ray else f"JOBS={options.jobs}",
            "stages": options.shards,
            "workers": options.jobs,
            "seconds each": options.seconds,
            "ideal s": ideal,
            "took s": round(seconds, 1),
            "share of ideal": f"{ideal / seconds:.1%}",
        },
    )


def publish(repo: Path) -> None:
    """A Git repository and a DVC remote beside the clone, for workers on this machine."""
    hub = repo.with_name("hub.git")
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    for command in (
        ["add", "-d", "-f", "storage", str(repo.with_name("storage"))],
        ["modify", "storage", "verify", "true"],
    ):
        subprocess.run([*DVC, "remote", *command], cwd=repo, check=True)
    git("add", "--all", folder=repo)
    git(*identity, "commit", "--quiet", "--message", "Stages that wait", folder=repo)
    git("clone", "--quiet", "--bare", ".", str(hub), folder=repo)
    git("remote", "set-url", "origin", str(hub), folder=repo)


def pairs(options: argparse.Namespace) -> None:
    """The default experiment of HEAD from nothing, the images included: serial and on two cores, each first in turn."""
    commands = {"serial s": [*DVC, "repro"], "JOBS=2 s": [sys.executable, "src", "repro", "--jobs", "2"]}
    for pair in tqdm(range(len(table("pairs")) + 1, options.repeats + 1), desc="pairs", disable=None):
        seconds = {}
        for name in sorted(commands, reverse=pair % 2):
            with clone_of_head() as repo:
                shutil.copytree("data/raw/animal_mnist", repo / "data/raw/animal_mnist")
                began = time.perf_counter()
                subprocess.run(commands[name], cwd=repo, check=True, capture_output=True)
                seconds[name] = round(time.perf_counter() - began, 1)
        ratio = seconds["serial s"] / seconds["JOBS=2 s"]
        add("pairs", {"pair": pair} | {name: seconds[name] for name in commands} | {"serial / JOBS=2": f"{ratio:.2f}"})
    print(f"median of serial / JOBS=2: {table('pairs')['serial / JOBS=2'].astype(float).median():.2f}")


if __name__ == "__main__":
    machine.run(main)
