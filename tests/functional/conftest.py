"""The repositories that tests of several packages share: each is made once for all workers, and copied for each test.

Those of one package are made in its own conftest.py, or beside the tests.
"""

import shutil
import subprocess

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from support.remotes import SSHD, Remote, s3, ssh
from support.repo import ROOT, Repo, made_once
from support.tiny import draw_photos, shrink


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder that all workers of pytest-xdist have in common."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "functional"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def photos(shared):
    """A folder of PNG files for each class, no two pictures equal."""
    with FileLock(shared / "photos.lock"):
        folder = shared / "photos"
        if not folder.exists():
            draw_photos(shared / "photos.draft")
            (shared / "photos.draft").rename(folder)
    return folder


@pytest.fixture(scope="session")
def untouched(shared, photos):
    """The repository with its images brought in and nothing run."""

    def make(repo: Repo) -> None:
        repo.initialize()
        for name in ("src", "conf", ".dvc/plots"):
            if (ROOT / name).is_dir():
                ignore = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, repo / name, ignore=ignore, dirs_exist_ok=True)
        for name in ("dvc.yaml", ".dvc/config", ".dvcignore", ".gitattributes", ".gitignore"):
            shutil.copy(ROOT / name, repo / name)
        (repo / "data").mkdir()
        shutil.copy(ROOT / "data/requests.csv", repo / "data/requests.csv")
        shrink(repo)
        repo.compose()
        repo.src("data", "--dataset", "tiny", "--from", str(photos))
        repo.commit("Images")

    return made_once(shared, "untouched", make)


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
