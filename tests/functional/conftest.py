"""A small experiment on real images in a temporary Git and DVC repository, run once and copied for each test.

The images are PNG files made of the embedded silhouettes. Everything else is the checkout's own: sources, pipeline,
conf/ (with smaller numbers) and DVC settings.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from dvc.utils.hydra import compose_and_dump
from filelock import FileLock
from PIL import Image
from remotes import SSHD, Remote, published, s3, ssh

from sisa.base.params import Dataset
from sisa.data.images import image_id
from sisa.sources import wheel

ROOT = Path(__file__).parents[2]
SILHOUETTES = ROOT / "data/raw/animal_mnist"
CLASSES = ["cat", "cow", "dog", "elephant", "horse"]
PHOTOS = 20  # of each class; the split needs 17, so three are in no shard and no test set
GRID = ("scenarios", "--dataset", "tiny", "--classes", "3", "--leakage", "high", "--seeds", "0", "1")
TINY = {
    "name": "tiny",
    "image_size": 16,
    "channels": 1,
    "test_per_class": 5,
    "forget_class": "cat",
    "class_sets": {"3": ["cat", "dog", "horse"], "5": CLASSES},
    "source": {"kind": "folder"},
}
SMALLER = {
    "conf/leakage/high.yaml": {"dominant": 12, "leaked": 3},
    "conf/leakage/low.yaml": {"dominant": 12, "leaked": 3},
    "conf/leakage/none.yaml": {"dominant": 12},
    "conf/attacks/all.yaml": {"shadows": 2, "relearn_epochs": 2},
    "conf/train/fast.yaml": {
        "network": {"name": "cnn", "patch": 2, "stride": 2, "filters": 4, "widths": [4, 8], "pool": "max"},
        "epochs": 2,
        "batch_size": 8,
        "threads": 1,
    },
}


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: its exit code and all that it printed."""

    code: int
    printed: str

    @property
    def executed(self) -> list[str]:
        """The stages that DVC ran, in order, but for `validate`, which any new parameter runs."""
        return [stage for stage in re.findall(r"Running stage '([^']+)'", self.printed) if stage != "validate"]

    @property
    def complaint(self) -> str:
        """The one line of ours that says what is wrong."""
        assert "Traceback" not in self.printed, self.printed
        lines = [line for line in self.printed.splitlines() if line.startswith("error in ")]
        assert len(lines) == 1, self.printed
        return lines[0]

    @property
    def way_back(self) -> str:
        """The command that is said to bring back what DVC removed."""
        assert "to get them back: " in self.printed, self.printed
        return self.printed.split("to get them back: ")[1].splitlines()[0]


class Repo:
    """A repository of the experiment, and the commands as people type them in it."""

    def __init__(self, path: Path):
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def run(self, *command: str, code: int | None = 0, shell: bool = False, **env: str) -> Outcome:
        """`code` is the exit code that is asked for; None takes any."""
        done = subprocess.run(
            command[0] if shell else command,
            cwd=self.path,
            env=environment(self.path.parent) | env,
            shell=shell,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert code is None or done.returncode == code, f"{command} exited with {done.returncode}:\n{done.stdout}"
        return Outcome(done.returncode, done.stdout)

    def dvc(self, *command: str, **options) -> Outcome:
        return self.run(sys.executable, "-m", "dvc", *command, **options)

    def git(self, *command: str, **options) -> Outcome:
        return self.run("git", *command, **options)

    def src(self, *command: str, **options) -> Outcome:
        return self.run(sys.executable, "src", *command, **options)

    def initialize(self) -> None:
        """Make the folder, empty but for Git and DVC."""
        self.path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.org")
        self.git("config", "commit.gpgsign", "false")
        self.dvc("init", "--quiet")

    def write_stages(self, stages: dict) -> None:
        """Put this pipeline, of shell commands, in the place of the experiment's."""
        (self / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def compose(self, *choices: str) -> None:
        """Write params.yaml as `dvc exp run -S ...` does."""
        compose_and_dump(self / "params.yaml", str(self / "conf"), None, "config", str(self / ".dvc"), list(choices))

    def edit_params(self, changes: dict) -> None:
        """Change params.yaml by hand; keys are as in `forget.class`."""
        params = self.params()
        for key, value in changes.items():
            *outer, last = key.split(".")
            section = params
            for name in outer:
                section = section[name]
            section[last] = value
        (self / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def params(self) -> dict:
        return yaml.safe_load((self / "params.yaml").read_text())

    def metrics(self, name: str) -> dict:
        return yaml.safe_load((self / f"metrics/{name}.json").read_text())

    def locked(self) -> dict:
        """The stages in dvc.lock."""
        return yaml.safe_load((self / "dvc.lock").read_text())["stages"]

    def outputs(self) -> dict[str, str]:
        """The MD5 that dvc.lock has of each output."""
        return {out["path"]: out["md5"] for stage in self.locked().values() for out in stage["outs"]}

    def files(self, *folders: str) -> dict[str, str]:
        """The SHA-256 of each file in these folders, hidden ones included; folders have none."""
        found = sorted(path for folder in folders for path in (self / folder).rglob("*"))
        digests = ("" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest() for path in found)
        return {str(path.relative_to(self.path)): digest for path, digest in zip(found, digests, strict=True)}

    def shard(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self / f"data/shards/{name}.parquet", columns=["id", "class", "role", "slice"])

    def holders(self) -> dict[str, list[str]]:
        """For each raw file of the roster, the shards that hold its image."""
        roster = pd.read_csv(self / "data/rosters/tiny.csv")
        ids = {name: set(self.shard(name)["id"]) for name in self.params()["shards"]}
        return {row.file: [name for name in ids if row.id in ids[name]] for row in roster.itertuples()}

    def copied_to(self, target: Path) -> "Repo":
        return Repo(shutil.copytree(self.path, target, symlinks=True))

    def moved_to(self, name: str) -> "Repo":
        return Repo(self.path.rename(self.path.with_name(name)))

    def take_cache_of(self, other: "Repo") -> None:
        """Know what another repository's DVC cache holds, run-cache included; read-only files here are left alone."""

        def copy(source: str, target: str) -> None:
            if not Path(target).exists():
                shutil.copy2(source, target)

        shutil.copytree(other / ".dvc/cache", self / ".dvc/cache", dirs_exist_ok=True, copy_function=copy)

    def empty_run_cache(self) -> None:
        shutil.rmtree(self / ".dvc/cache/runs", ignore_errors=True)

    def delete_photo(self, file: str) -> None:
        (self / "data/raw/tiny" / file).unlink()


def environment(folder: Path) -> dict[str, str]:
    """Like the caller's, but with this Python first and no settings of DVC or Git from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "PYTEST_"))}
    own = {name: str(folder / name.lower()) for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return kept | own | {"PATH": path, "DVC_NO_ANALYTICS": "true", "COLUMNS": "200"}


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder that all workers of pytest-xdist have in common."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "functional"
    folder.mkdir(exist_ok=True)
    return folder


def made_once(folder: Path, name: str, make) -> Repo:
    """The repository `name`, which the first worker to ask for it makes."""
    with FileLock(folder / f"{name}.lock"):
        finished = folder / name / "repo"
        if not finished.exists():
            draft = Repo(folder / name / "draft")
            draft.path.parent.mkdir(exist_ok=True)
            shutil.rmtree(draft.path, ignore_errors=True)
            make(draft)
            draft.path.rename(finished)
    return Repo(finished)


@pytest.fixture(scope="session")
def photos(shared):
    """A folder of PNG files for each class, no two pictures equal."""
    with FileLock(shared / "photos.lock"):
        folder = shared / "photos"
        if not folder.exists():
            draw_photos(shared / "photos.draft")
            (shared / "photos.draft").rename(folder)
    return folder


def draw_photos(folder: Path) -> None:
    dataset = Dataset.model_validate(yaml.safe_load((ROOT / "conf/dataset/animal_mnist.yaml").read_text()))
    raw = SILHOUETTES
    if not raw.is_dir():
        raw = folder.with_name("silhouettes")
        wheel.bring_in(dataset, None, raw)
    taken, seen = Counter(), set()
    for _, name, rgb in wheel.pictures(dataset, raw, CLASSES):
        if taken[name] < PHOTOS and image_id(rgb) not in seen:
            seen.add(image_id(rgb))
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rgb).save(folder / name / f"{taken[name]:02}.png")
            taken[name] += 1


@pytest.fixture(scope="session")
def untouched(shared, photos):
    """The repository with its images brought in and nothing run."""

    def make(repo: Repo) -> None:
        repo.initialize()
        for name in ("src", "conf", ".dvc/plots"):
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, repo / name, ignore=ignore, dirs_exist_ok=True)
        for name in ("dvc.yaml", ".dvc/config", ".dvcignore", ".gitignore"):
            shutil.copy(ROOT / name, repo / name)
        (repo / "data").mkdir()
        shutil.copy(ROOT / "data/requests.csv", repo / "data/requests.csv")
        shrink(repo)
        repo.compose()
        repo.src("data", "--dataset", "tiny", "--from", str(photos))
        repo.commit("Images")

    return made_once(shared, "untouched", make)


def shrink(repo: Repo) -> None:
    (repo / "conf/dataset/tiny.yaml").write_text(yaml.safe_dump(TINY, sort_keys=False))
    for file, changes in SMALLER.items():
        settings = yaml.safe_load((repo / file).read_text())
        (repo / file).write_text(yaml.safe_dump(settings | changes, sort_keys=False))
    config = repo / "conf/config.yaml"
    config.write_text(config.read_text().replace("dataset: animal_mnist", "dataset: tiny"))


@pytest.fixture(scope="session")
def five_classes_high(shared, untouched):
    """The default scenario, run by `dvc repro` and committed."""

    def make(repo: Repo) -> None:
        untouched.copied_to(repo.path).dvc("repro")
        repo.commit("Five classes, high leakage")

    return made_once(shared, "five_classes_high", make)


@pytest.fixture(scope="session")
def three_classes_low(shared, untouched):
    """Another scenario, run by `dvc exp run` and committed on a branch of its own."""

    def make(repo: Repo) -> None:
        untouched.copied_to(repo.path).dvc("exp", "run", "-S", "leakage=low", "-S", "classes=3")
        repo.git("switch", "--quiet", "--create", "three")
        repo.commit("Three classes, low leakage")

    return made_once(shared, "three_classes_low", make)


@pytest.fixture(scope="session")
def all_attacks(shared, three_classes_low):
    """Three classes at low leakage with all attacks, run."""

    def make(repo) -> None:
        choices = ("leakage=low", "classes=3", "attacks=all")
        three_classes_low.copied_to(repo.path)
        repo.dvc("exp", "run", *(word for choice in choices for word in ("-S", choice)))

    return made_once(shared, "all_attacks", make)


@pytest.fixture(scope="session")
def four_slices(shared, untouched):
    """Three classes at high leakage in four slices, nothing forgotten yet."""

    def make(repo: Repo) -> None:
        choices = ("classes=3", "slices=4", "forget.class=null")
        untouched.copied_to(repo.path).dvc("exp", "run", *(word for choice in choices for word in ("-S", choice)))
        repo.commit("Three classes in four slices")

    return made_once(shared, "four_slices", make)


@pytest.fixture(scope="session")
def serial_grid(shared, untouched):
    """A grid of cheap scenarios as the serial way runs it, published; its stages note in $RAN that they ran."""

    def make(repo: Repo) -> None:
        untouched.copied_to(repo.path)
        shutil.copy(ROOT / "requirements.txt", repo / "requirements.txt")
        split = "echo split >> $RAN; cp data/rosters/tiny.csv data/pool.parquet"
        train = "echo train >> $RAN; mkdir -p models; cat data/pool.parquet params.yaml > models/cat"
        evaluate = "echo evaluate >> $RAN; mkdir -p plots/confusion; cp models/cat plots/confusion/cat"
        pool, cat, plots = "data/pool.parquet", "models/cat", {"plots/confusion": {"cache": False}}
        repo.write_stages(
            {
                "split": {"cmd": split, "deps": ["data/rosters/tiny.csv"], "params": ["split_seed"], "outs": [pool]},
                "train": {"cmd": train, "deps": [pool], "params": ["seed"], "outs": [cat]},
                "evaluate": {"cmd": evaluate, "deps": [cat], "outs": [plots]},
            }
        )
        repo.commit("Cheap stages")
        published(repo, Remote(str(shared / "serial_grid/storage"), {"verify": "true"}))
        repo.src(*GRID, RAN="/dev/null")

    return made_once(shared, "serial_grid", make)


@pytest.fixture
def fresh(untouched, tmp_path):
    """The repository with its images and nothing run, to change at will."""
    return untouched.copied_to(tmp_path / "fresh")


@pytest.fixture
def repo(five_classes_high, tmp_path):
    """The default scenario as it was run and committed, to change at will."""
    return five_classes_high.copied_to(tmp_path / "repo")


@pytest.fixture
def low(three_classes_low, tmp_path):
    """Three classes at low leakage as they were run and committed, to change at will."""
    return three_classes_low.copied_to(tmp_path / "low")


@pytest.fixture
def sliced(four_slices, tmp_path):
    """Three classes at high leakage in four slices, nothing forgotten yet, to change at will."""
    return four_slices.copied_to(tmp_path / "sliced")


@pytest.fixture
def picture():
    """A picture that is on no roster."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8))


@pytest.fixture(scope="session")
def s3_remotes():
    with s3() as remotes:
        yield remotes


@pytest.fixture(scope="session")
def ssh_remotes(tmp_path_factory):
    if not SSHD:
        pytest.skip("no sshd here to push to; install it: apt-get install openssh-server")
    with ssh(tmp_path_factory.mktemp("ssh")) as remotes:
        yield remotes


@pytest.fixture
def remote(request, tmp_path):
    """A function that gives a remote of a kind, as one of its users has it: see `remotes`."""

    def of(kind: str, user: str = "writer") -> Remote:
        if kind == "folder":
            return Remote(str(tmp_path / "storage"))
        return request.getfixturevalue(f"{kind}_remotes")[user]

    return of


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own for all that the test makes, to fill up."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)]
    if shutil.which("mount") is None or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a disk to fill up is mounted as tmpfs, which only root on Linux may do")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(file: Path, left: int = 0) -> None:
    """Make this file take all the room on its disk but for `left` bytes."""
    with file.open("wb") as open_file:
        os.posix_fallocate(open_file.fileno(), 0, shutil.disk_usage(file.parent).free - left)
