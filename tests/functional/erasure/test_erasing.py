"""Erased images are gone from workspace, cache and remotes, byte by byte, and what is left is whole."""

import json
import random
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image, ImageOps
from safetensors.numpy import save
from support.disk import fill
from support.pixels import holders, in_folders, needles
from support.remotes import Remote, stored
from support.repo import Repo, link, made_once, store_object
from support.tiny import CLASSES, TINY

from sisa.base.errors import BadInput
from sisa.erasure import journal, receipts, renewal, scan, workspace

KINDS = ["folder", "s3", "ssh"]
ORDER = ("--reason", "asked", "--confirm")


@pytest.fixture(scope="session")
def requested(shared, four_slices, three_classes_low, five_classes_high):
    """Two images were requested, and unlearned; three scenario branches and two experiments hold them still, and so
    does a remote, the folder `storage` beside the repository.
    """

    def make(repo: Repo) -> None:
        four_slices.copied_to(repo.path)
        for other in (three_classes_low, five_classes_high):
            name = f"tiny-{other.params()['classes']}"
            repo.git("fetch", "--quiet", str(other.path), f"HEAD:refs/heads/scenario/{name}")
            repo.take_cache_of(other)
        repo.git("branch", "scenario/tiny-3-high")
        repo.src("forget", *planted(repo), "--reason", "asked")
        repo.dvc("repro")
        repo.dvc("exp", "save", "--name", "asked")
        repo.commit("Forgotten")
        choices = ("classes=3", "slices=4", "forget.class=dog")
        repo.dvc("exp", "run", "--name", "dog", *(word for choice in choices for word in ("-S", choice)))
        repo.git("checkout", "--quiet", ".")
        repo.dvc("checkout", "--force")
        add(repo, "folder", Remote("../storage"))
        repo.dvc("push", "--all-commits", "--run-cache")

    return made_once(shared, "requested", make)


def planted(repo: Repo) -> list[str]:
    """A raw file whose image leaked into every shard, and one that is in a single shard."""
    holders = repo.holders()
    return [next(file for file, held in holders.items() if len(held) == count) for count in (3, 1)]


def storage(repo: Repo) -> Path:
    return repo.path.parent / "storage"


def copied(repo: Repo, folder: Path) -> Repo:
    """Such a repository and its remote, in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(storage(repo), folder / "storage", copy_function=link)
    return repo.copied_to(folder / "repo")


@pytest.fixture
def asked(requested, tmp_path):
    """Such a repository to change at will."""
    return copied(requested, tmp_path / "asked")


@pytest.fixture(scope="session")
def erased(shared, requested):
    """What becomes of it when both images are erased and nothing goes wrong on the way."""

    def make(repo: Repo) -> None:
        copied(requested, repo.path.parent / "begin")
        (repo.path.parent / "begin/storage").rename(repo.path.parent / "storage")
        Repo(repo.path.parent / "begin/repo").path.rename(repo.path)
        repo.src("erase", *planted(requested), *ORDER)

    return made_once(shared, "erased", make)


@pytest.fixture(scope="session")
def two_data_sets(shared, erased, photos):
    """After that erase, another data set is brought in, run and committed, in one slice and with nothing forgotten."""

    def make(repo: Repo) -> None:
        copied(erased, repo.path.parent / "first")
        (repo.path.parent / "first/storage").rename(repo.path.parent / "storage")
        Repo(repo.path.parent / "first/repo").path.rename(repo.path)
        repo.commit("Erased")
        negatives = repo.path.parent / "negatives"
        for name in CLASSES[::2]:
            (negatives / name).mkdir(parents=True)
            for file in sorted((photos / name).iterdir()):
                ImageOps.invert(Image.open(file).convert("RGB")).save(negatives / name / file.name)
        sets = {"class_sets": {"3": CLASSES[::2]}, "forget_class": CLASSES[0]}
        (repo / "conf/dataset/negatives.yaml").write_text(yaml.safe_dump(TINY | sets | {"name": "negatives"}))
        repo.src("data", "--dataset", "negatives", "--from", str(negatives))
        choices = ("dataset=negatives", "classes=3", "slices=1", "forget.class=null")
        repo.dvc("exp", "run", *(word for choice in choices for word in ("-S", choice)))
        repo.commit("Another data set")

    return made_once(shared, "two_data_sets", make)


def objects(folder: Path) -> set[str]:
    """The files of a cache or remote, but those that DVC left half-written when it was killed; scan looks into them."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".tmp")
    return {path.relative_to(folder).as_posix() for path in files}


def outcome(repo: Repo) -> tuple:
    """All that an erase leaves behind, but the receipt, which lists what stopped runs left in the workspace too."""
    files = repo.files("data", "models", "metrics", "plots")
    # DVC's trial of hard links, in which it was killed: four bytes, `test`
    files = {name: digest for name, digest in files.items() if not name.endswith(".tmp")}
    return repo.locked(), files, objects(repo / ".dvc/cache"), objects(storage(repo))


def add(repo: Repo, name: str, remote: Remote) -> None:
    """For this clone alone: the branches are older than the remote, and would know of no other."""
    repo.dvc("remote", "add", "--local", "--default", "--force", name, remote.url)
    for option, value in (remote.options | remote.secrets).items():
        repo.dvc("remote", "modify", "--local", name, option, value)


def test_erased_images_are_gone_from_cache_and_remotes_byte_by_byte_and_the_rest_is_whole(asked, remote):
    files = planted(asked)
    ids = sorted(image_ids(asked, files))
    pixels = needles([asked / "data/raw/tiny" / file for file in files], 16)
    doors = {kind: replace(remote(kind), url=f"{remote(kind).url}/erasing") for kind in ("s3", "ssh")}
    for kind, door in doors.items():
        add(asked, kind, door)
        asked.dvc("push", "--all-commits", "--run-cache", "--remote", kind)

    places = {kind: partial(stored, door) for kind, door in doors.items()}
    places |= {"folder": partial(in_folders, storage(asked)), "workspace": partial(in_folders, asked.path)}
    assert all(holders(contents(), pixels) for contents in places.values())
    photos = {kind: photos_in(places[kind]()) for kind in KINDS}
    clean = {name: digest for name, digest in asked.files("models/retrained").items() if digest}

    lost = store_object(asked / ".dvc/cache", save({"w": np.zeros(1)}, {"seen": json.dumps({"digests": ["unknown"]})}))

    dry = asked.python("src", "erase", *files, "--reason", "asked").printed
    assert "nothing tells any more what they were trained on" in dry
    assert "train_shards@cat, train_shards@dog, train_shards@horse, baseline_full" in dry
    assert "repeat with --confirm." in dry
    assert asked.git("status", "--short").printed == ""
    printed = asked.python("src", "erase", *files, *ORDER).printed
    assert {name: digest for name, digest in asked.files("models/retrained").items() if digest}.keys() == clean.keys()
    for name in asked.params()["shards"]:
        for number in range(1, 5):
            part = f"tiny-3/{name}/slice-{number}.safetensors"
            assert asked.files("models/shards")[f"models/shards/{part}"] == clean[f"models/retrained/{part}"]

    assert [name for contents in places.values() for name in holders(contents(), pixels)] == []
    gone = {kind: len(photos[kind] - photos_in(places[kind]())) for kind in KINDS}
    assert gone == dict.fromkeys(KINDS, len(files)), "every other photo stays"
    assert "Data and pipelines are up to date" in asked.dvc("status").printed
    assert asked.dvc("repro").executed == []
    for kind in KINDS:
        asked.dvc("push", "--remote", kind)

    receipt = json.loads(next((asked / "receipts").glob("*.json")).read_text())
    assert receipt["images"] == ids
    assert receipt["left"] == 0
    assert {item["store"] for item in receipt["objects"]} == {"workspace", "cache", *KINDS}
    assert any("scenario/tiny-5" in name for name in receipt["unpullable"])
    assert "branch main" not in receipt["unpullable"], "what is committed next is whole"
    assert "receipts" in printed
    assert receipt["files"] == sorted(f"data/raw/tiny/{file}" for file in files)
    assert receipt["commit"] == asked.git("rev-parse", "HEAD").printed.strip()
    assert set(receipt["tools"]) == {"sisa-leakage", "python", "git", "dvc"}
    roster = pd.read_csv(asked / "data/rosters/tiny.csv", index_col="file")
    assert set(roster.index[roster["class"].str.startswith("erased ")]) == set(files)
    assert asked.git("diff", "--numstat", "data/rosters").printed.split()[:2] == [str(len(files)), "0"]

    assert {item["kind"] for item in receipt["orphans"]} == {"checkpoint"}
    assert not lost.exists(), "nothing tells what it was trained on, so it goes as well"
    assert "\nnothing" in asked.src("scan", *files).printed


def image_ids(repo: Repo, files: list[str]) -> list[str]:
    return pd.read_csv(repo / "data/rosters/tiny.csv", index_col="file")["id"][files].tolist()


def photos_in(contents: Iterator[tuple[str, bytes]]) -> set[str]:
    return {name for name, content in contents if content[:4] == b"\x89PNG"}


CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "subprocess.Popen"}
KILLER = f"""
import os, signal, sys
COUNT, LIMIT = os.environ["KILLER_COUNT"], int(os.environ["KILLER_LIMIT"])
def hook(event, _):
    if event in {CHANGES}:
        handle = os.open(COUNT, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, b".")
        done = os.fstat(handle).st_size
        os.close(handle)
        if done >= LIMIT:
            os.killpg(0, signal.SIGKILL)
sys.addaudithook(hook)
"""

pytestmark = pytest.mark.full


class Interruption:
    """Ctrl-C before some change of a file, or before another program is started, in this process."""

    def __init__(self):
        self.left = None
        sys.addaudithook(self.hook)  # for good

    def hook(self, event: str, _) -> None:
        if self.left is not None and event in CHANGES:
            self.left -= 1
            if self.left <= 0:
                self.left = None
                raise KeyboardInterrupt

    def stops(self, repo: Repo, files: list[str], changes: int) -> bool:
        """Erase; whether it was stopped before this change, or had ended by then."""
        self.left = changes
        try:
            repo.src("erase", *files, *ORDER, code=None)
        finally:
            stopped, self.left = self.left is None, None
        return stopped


def is_killed(repo: Repo, files: list[str], changes: int, killer: Path) -> bool:
    """Erase, and kill -9 all its processes before this change, in whichever of them it is; whether that came to be."""
    (killer / "count").unlink(missing_ok=True)
    env = {"PYTHONPATH": str(killer), "KILLER_COUNT": str(killer / "count"), "KILLER_LIMIT": str(changes)}
    command = ("setsid", "--wait", sys.executable, "src", "erase", *files, *ORDER)
    return repo.run(*command, code=None, **env).code == -signal.SIGKILL


STOPS = 20  # of which every sixth is a kill
CHANGES_OF_OURS, CHANGES_OF_ALL = 120, 300  # before which to stop, at the latest; an erase makes 356 of its own


def test_an_erase_stopped_at_twenty_points_ends_as_one_that_was_not(requested, erased, tmp_path):
    """Each stopped one is gone on with and stopped again, until it ends; then the next starts from the beginning."""
    (tmp_path / "killer").mkdir()
    (tmp_path / "killer/sitecustomize.py").write_text(KILLER)
    files, interruption, draws = planted(requested), Interruption(), random.Random(0)
    expected, count = outcome(erased), 0
    repo = copied(requested, tmp_path / "stopped")
    while count < STOPS:
        if count % 6 == 3:
            stopped = is_killed(repo, files, draws.randrange(1, CHANGES_OF_ALL), tmp_path / "killer")
        else:
            stopped = interruption.stops(repo, files, draws.randrange(1, CHANGES_OF_OURS))
        count += stopped
        if not stopped:
            assert outcome(repo) == expected
            repo = copied(requested, tmp_path / "stopped")
    repo.src("erase", *files, *ORDER)
    assert outcome(repo) == expected


def of_negatives(repo: Repo, shards: int) -> str:
    """The id of an image of the other data set that so many shards hold."""
    roster = pd.read_csv(repo / "data/rosters/negatives.csv")
    held = [set(repo.shard(name)["id"]) for name in repo.params()["shards"]]
    return next(image for image in roster["id"] if sum(image in ids for ids in held) == shards)


def check_ended_clean(repo: Repo, image: str) -> None:
    """Nothing is left of the image, nothing cannot be told, and nothing is to be run."""
    written = [json.loads(path.read_text()) for path in (repo / "receipts").glob("*.json")]
    last = max(written, key=lambda each: each["time"])
    assert (last["images"], last["left"], last["undecided"]) == ([image], 0, [])
    assert "\nnothing" in repo.src("scan", image).printed
    assert repo.dvc("repro").executed == []


def test_a_second_erase_of_another_data_set_in_the_same_clone_ends_clean(two_data_sets, tmp_path):
    """What the first one left behind, whose tables are gone, cannot be told by itself any more."""
    repo = copied(two_data_sets, tmp_path / "both")
    image = of_negatives(repo, 1)
    repo.src("erase", image, *ORDER, "--retrain")
    check_ended_clean(repo, image)


def test_an_erase_in_a_clone_that_has_the_images_of_one_data_set_only_ends_clean(two_data_sets, tmp_path):
    repo = copied(two_data_sets, tmp_path / "one")
    (listing,) = yaml.safe_load((repo / "data/raw/tiny.dvc").read_text())["outs"]
    shutil.rmtree(repo / "data/raw/tiny")
    (repo / ".dvc/cache/files/md5" / listing["md5"][:2] / listing["md5"][2:]).unlink()
    image = of_negatives(repo, 0)
    repo.src("erase", image, *ORDER)
    check_ended_clean(repo, image)


def refused(asked, complaint: str, *images: str, **env: str) -> str:
    """What was printed."""
    before = asked.files("data", "models", ".dvc/cache")
    outcome = asked.src("erase", *(images or planted(asked)), *ORDER, code=1, **env)
    assert complaint in outcome.complaint
    assert asked.files("data", "models", ".dvc/cache") == before
    assert not (asked / "receipts").exists()
    return outcome.printed


def test_what_must_be_trained_again_is_refused_before_anything_is_touched_and_priced(asked):
    printed = refused(asked, "repeat with --retrain", "dog/00.png")
    assert "to be trained again: models/shards/tiny-3/dog, " in printed
    assert "repeat with --confirm --retrain." in asked.src("erase", "dog/00.png", "--reason", "asked").printed


def test_uncommitted_changes_a_running_or_broken_dvc_and_a_full_disk_are_refused(asked, monkeypatch):
    (asked / "params.yaml").write_text((asked / "params.yaml").read_text() + "# mine\n")
    refused(asked, "uncommitted changes in 1 file (params.yaml)")
    asked.git("checkout", "--quiet", ".")

    lock = {"write": {"x": {"pid": 1, "cmd": "dvc repro"}}}
    (asked / ".dvc/tmp/rwlock").write_text(json.dumps(lock))
    refused(asked, "DVC is at work here (process 1)")
    (asked / ".dvc/tmp/rwlock").write_text("{")
    refused(asked, "dvc status fails: Unable to read RWLock-file")
    (asked / ".dvc/tmp/rwlock").unlink()

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    refused(asked, "the disk has 1 byte left")


@pytest.mark.parametrize("kind", ["s3", "ssh"])
@pytest.mark.parametrize("user", ["reader", "stranger", "down"])
def test_a_remote_that_cannot_be_written_is_refused_by_name(asked, remote, kind, user):
    add(asked, "storage", remote(kind, user))
    refused(asked, "storage cannot be", AWS_MAX_ATTEMPTS="1")


def test_a_shallow_clone_is_refused(asked, tmp_path, monkeypatch):
    asked.git("clone", "--quiet", "--depth", "1", f"file://{asked.path}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(BadInput, match="shallow clone"):
        workspace.check()


def test_a_class_that_is_erased_whole_is_legal_to_the_last_page(asked):
    asked.src("erase", "--class", "dog", *ORDER, "--retrain")
    assert asked.dvc("repro").executed == []
    assert "dog" not in asked.metrics("before")["held_out"]["mean_logits"]["class"]
    asked.src("summary")
    printed = asked.src("data", "--dataset", "tiny").printed
    assert "added: 0" in printed


class Filling:
    """What fills a disk but for `left` bytes before the first call of a function."""

    def __init__(self, disk: Path, left: int):
        self.file, self.left = disk / "filling", left

    def before(self, function, word: str | None):
        """The function; with `word`, the call meant is the first that has it as an argument."""

        def filled_up(*arguments):
            if not self.file.exists() and (word is None or word in arguments):
                fill(self.file, self.left)
            return function(*arguments)

        return filled_up


FILLED_UP = [  # where, by which argument, with how many bytes left; DVC has another complaint for some
    (journal, "write", None, 0),
    (renewal, "dvc_in_sight", "split", 16 * 1024),
    (renewal, "keep", None, 32 * 1024),
    (scan, "remove", None, 0),
    (receipts, "write", None, 0),
]


def test_a_disk_that_fills_up_on_the_way_costs_nothing_but_a_repetition(small_disk, asked, erased, monkeypatch):
    order = (*planted(asked), *ORDER)
    there = objects(asked / ".dvc/cache")
    for where, name, word, left in FILLED_UP:
        filling, function = Filling(small_disk, left), getattr(where, name)
        monkeypatch.setattr(where, name, filling.before(function, word))
        complaint = asked.src("erase", *order, code=1).complaint
        assert "No space left" in complaint or "of disk left" in complaint
        monkeypatch.setattr(where, name, function)
        filling.file.unlink()
        if where is not receipts:
            assert objects(asked / ".dvc/cache") >= there
    asked.src("erase", *order)
    assert outcome(asked) == outcome(erased)
