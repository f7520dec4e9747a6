"""How DVC's own time, the stages and the disk grow with shards, images and slices; and what side by side gives.

    python benchmarks/scale.py growth [--shards 5 10 25 50] [--images 5000 20000 60000] [--slices 1 2 5 10]
    python benchmarks/scale.py waiting [--shards 16] [--jobs 8] [--seconds 60] [--ray ADDRESS]
    python benchmarks/scale.py pairs [--repeats 5]

growth: the pipeline of HEAD in a clone, on Fashion-MNIST (Debian's dataset-fashion-mnist), each label cut into as many
classes as there must be shards; the recipe fast for one epoch, no leakage. One of the three varies, the others keep
their first value. Seconds of `dvc repro`, of a second one that finds all done, of `dvc status` and of the slowest stage
of each kind, the peak memory of the largest process, the bytes of dvc.lock and of the cache: benchmarks/scale.csv.
waiting: stages that sleep, so that cores are no limit; the share of the ideal speed-up that jobs or a cluster reach.
pairs: the training stages of HEAD, serial and with JOBS=2, one after the other, again and again.
All write what they measured, with machine and date, to benchmarks/scale-*.json.
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
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

from sisa.common.errors import BadInput
from sisa.git import git

FASHION = Path("/usr/share/datasets/fashion-mnist")  # apt-get install dataset-fashion-mnist
LABELS = 10
DVC = (sys.executable, "-m", "dvc")


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
    measured = {"growth": growth, "waiting": waiting, "pairs": pairs}[options.kind](options)
    print(tabulate([measured], headers="keys"))
    machine.write(f"scale-{options.kind}", measured)


def growth(options: argparse.Namespace) -> dict:
    axes = {"shards": options.shards, "images": options.images, "slices": options.slices}
    base = {axis: values[0] for axis, values in axes.items()}
    points = [base, *(base | {axis: value} for axis, values in axes.items() for value in values[1:])]
    rows = []
    for point in tqdm(points, desc="growth", disable=None):
        with clone_of_head() as repo:
            rows.append(point | measure(repo, **point))
        pd.DataFrame(rows).to_csv("benchmarks/scale.csv", index=False)
    return axes


def measure(repo: Path, shards: int, images: int, slices: int) -> dict:
    bring_in(repo, shards, images, slices)
    began, stages = time.perf_counter(), {}
    with subprocess.Popen([*DVC, "repro"], cwd=repo, stdout=subprocess.PIPE, text=True) as run:
        name, since = "", began
        for line in chain(run.stdout, ["Running stage 'end'"]):
            if found := re.match(r"Running stage '([^'@]+)", line):
                now = time.perf_counter()
                stages[name] = max(stages.get(name, 0), now - since)
                name, since = found[1], now
        _, status, used = os.wait4(run.pid, 0)  # of DVC and of all that it ran
        run.returncode = os.waitstatus_to_exitcode(status)
    if run.returncode:
        raise BadInput(f"dvc repro failed with {shards} shards, {images} images, {slices} slices")
    stages.pop("")
    return {
        "repro_seconds": round(time.perf_counter() - began, 1),
        "noop_seconds": timed(repo, "repro"),
        "status_seconds": timed(repo, "status"),
        "lock_bytes": (repo / "dvc.lock").stat().st_size,
        "cache_bytes": sum(file.stat().st_size for file in (repo / ".dvc/cache").rglob("*") if file.is_file()),
        "peak_mib": round(used.ru_maxrss / 2**10),
        **{f"{name}_seconds": round(seconds, 1) for name, seconds in stages.items()},
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


def waiting(options: argparse.Namespace) -> dict:
    """Replace training by sleep in a pipeline of its own, and compare with the ideal: waves of jobs."""
    with clone_of_head() as repo:
        stages = {"first": {"cmd": "echo 0 > first", "outs": ["first"]}}
        for number in range(options.shards):
            name = f"wait{number:02}"
            stages[name] = {
                "cmd": f"sleep {options.seconds} && echo {number} > {name}",
                "deps": ["first"],
                "outs": [name],
            }
        (repo / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}))
        (repo / "dvc.lock").unlink()
        where = ["--jobs", str(options.jobs)]
        if options.ray:
            publish(repo)
            where = ["--ray", options.ray]
        began = time.perf_counter()
        subprocess.run([sys.executable, "src", "parallel", *where], cwd=repo, check=True)
        seconds = time.perf_counter() - began
    ideal = -(-options.shards // options.jobs) * options.seconds
    return vars(options) | {"ideal": ideal, "took": round(seconds, 1), "share_of_ideal": round(ideal / seconds, 3)}


def publish(repo: Path) -> None:
    """A Git repository and a DVC remote beside the clone, for workers on this machine."""
    hub = repo.with_name("hub.git")
    identity = ("-c", "user.name=Benchmark", "-c", "user.email=benchmark@example.org")
    subprocess.run([*DVC, "remote", "add", "-d", "-f", "storage", str(repo.with_name("storage"))], cwd=repo, check=True)
    git("add", "--all", folder=repo)
    git(*identity, "commit", "--quiet", "--message", "Stages that wait", folder=repo)
    git("clone", "--quiet", "--bare", ".", str(hub), folder=repo)
    git("remote", "set-url", "origin", str(hub), folder=repo)


def pairs(options: argparse.Namespace) -> dict:
    """The default experiment of HEAD from nothing, the images included: serial, then on two cores."""
    commands = {"serial": [*DVC, "repro"], "jobs_2": [sys.executable, "src", "parallel", "--jobs", "2"]}
    seconds = {name: [] for name in commands}
    for _ in tqdm(range(options.repeats), desc="pairs", disable=None):
        for name, command in commands.items():
            with clone_of_head() as repo:
                shutil.copytree("data/raw/animal_mnist", repo / "data/raw/animal_mnist")
                began = time.perf_counter()
                subprocess.run(command, cwd=repo, check=True, capture_output=True, env=os.environ)
                seconds[name].append(round(time.perf_counter() - began, 1))
    ratios = [serial / jobs for serial, jobs in zip(*seconds.values(), strict=True)]
    return {**seconds, "ratios": [round(ratio, 3) for ratio in ratios], "median": round(statistics.median(ratios), 3)}


if __name__ == "__main__":
    machine.run(main)
