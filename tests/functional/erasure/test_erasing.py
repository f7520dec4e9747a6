"""Erased images are gone from workspace, cache and remotes, byte by byte, and what is left is whole."""

import json
import random
import shutil
import signal
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from support.disk import fill
from support.pixels import holders, in_folders, needles
from support.remotes import Remote, stored
from support.repo import Repo, environment, made_once

from sisa.base.errors import BadInput
from sisa.commands import erase
from sisa.erasure import journal, receipts, renewal, scan

KINDS = ["folder", "s3", "ssh"]
KILLS = 20


@pytest.fixture(scope="session")
def requested(shared, four_slices, three_classes_low, five_classes_high):
    """Two images were requested, and unlearned; three scenario branches and two experiments hold them still."""

    def make(repo: Repo) -> None:
        four_slices.copied_to(repo.path)
        for other in (three_classes_low, five_classes_high):
            name = repo_name(other)
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

    return made_once(shared, "requested", make)


def repo_name(repo: Repo) -> str:
    return f"tiny-{repo.params()['classes']}"


def planted(repo: Repo) -> list[str]:
    """A raw file whose image leaked into every shard, and one that is in a single shard."""
    holders = repo.holders()
    return [next(file for file, held in holders.items() if len(held) == count) for count in (3, 1)]


@pytest.fixture
def asked(requested, tmp_path):
    """Such a repository to change at will."""
    return requested.copied_to(tmp_path / "asked")


def objects(folder: Path) -> set[str]:
    """The files of a cache or remote, but those that DVC left half-written when it was killed; scan looks into them."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".tmp")
    return {path.relative_to(folder).as_posix() for path in files}


def outcome(repo: Repo) -> tuple:
    """All that an erase leaves behind, but the receipt, which lists what stopped runs left in the workspace too."""
    files = repo.files("data", "models", "metrics", "plots")
    # DVC's trial of hard links, in which it was killed: four bytes, `test`
    files = {name: digest for name, digest in files.items() if not name.endswith(".tmp")}
    return repo.locked(), files, objects(repo / ".dvc/cache")


def add(repo: Repo, name: str, remote: Remote) -> None:
    """For this clone alone: the branches are older than the remote, and would know of no other."""
    repo.dvc("remote", "add", "--local", "--default", "--force", name, remote.url)
    for option, value in (remote.options | remote.secrets).items():
        repo.dvc("remote", "modify", "--local", name, option, value)


def test_erased_images_are_gone_from_cache_and_remotes_byte_by_byte_and_the_rest_is_whole(asked, remote):
    files = planted(asked)
    pixels = needles([asked / "data/raw/tiny" / file for file in files], 16)
    doors = {kind: replace(remote(kind), url=f"{remote(kind).url}/erasing") for kind in KINDS}
    for kind, door in doors.items():
        add(asked, kind, door)
    for kind in KINDS:
        asked.dvc("push", "--all-commits", "--run-cache", "--remote", kind)

    places = {kind: partial(stored, door) for kind, door in doors.items()}
    places["workspace"] = partial(in_folders, asked.path)
    assert all(holders(contents(), pixels) for contents in places.values())
    clean = {name: digest for name, digest in asked.files("models/retrained").items() if digest}

    dry = asked.src("erase", *files, "--reason", "asked").printed
    assert "train_shards@cat, train_shards@dog, train_shards@horse, baseline_full" in dry
    assert "repeat with --confirm." in dry
    assert asked.git("status", "--short").printed == ""
    printed = asked.src("erase", *files, "--reason", "asked", "--confirm").printed
    assert {name: digest for name, digest in asked.files("models/retrained").items() if digest}.keys() == clean.keys()
    for name in asked.params()["shards"]:
        for number in range(1, 5):
            part = f"tiny-3/{name}/slice-{number}.safetensors"
            assert asked.files("models/shards")[f"models/shards/{part}"] == clean[f"models/retrained/{part}"]

    assert [name for contents in places.values() for name in holders(contents(), pixels)] == []
    assert "Data and pipelines are up to date" in asked.dvc("status").printed
    assert asked.dvc("repro").executed == []
    for kind in KINDS:
        asked.dvc("push", "--remote", kind)

    receipt = json.loads(next((asked / "receipts").glob("*.json")).read_text())
    assert receipt["images"] == sorted(image_ids(asked, files))
    assert receipt["left"] == 0
    assert {item["store"] for item in receipt["objects"]} == {"workspace", "cache", *KINDS}
    assert any("scenario/tiny-5" in name for name in receipt["unpullable"])
    assert "branch main" not in receipt["unpullable"], "what is committed next is whole"
    assert "receipts" in printed
    roster = pd.read_csv(asked / "data/rosters/tiny.csv", index_col="file")
    assert set(roster.index[roster["erased"] != "-"]) == set(files)


def image_ids(repo: Repo, files: list[str]) -> list[str]:
    return pd.read_csv(repo / "data/rosters/tiny.csv", index_col="file")["id"][files].tolist()


KILLER = """
import os, signal, sys
COUNT, LIMIT = os.environ["KILLER_COUNT"], int(os.environ["KILLER_LIMIT"])
def hook(event, _):
    if event in {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "subprocess.Popen"}:
        handle = os.open(COUNT, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, b".")
        done = os.fstat(handle).st_size
        os.close(handle)
        if done >= LIMIT:
            os.killpg(0, signal.SIGKILL)
sys.addaudithook(hook)
"""


class Killable:
    """An erase in a repository with its folder remote, and kill -9 of its processes before some change of a file."""

    def __init__(self, repo: Repo, files: list[str], killer: Path):
        self.repo, self.files, self.killer = repo, files, killer

    def restored(self, folder: Path) -> "Killable":
        """A copy of both as they are now."""
        shutil.rmtree(folder, ignore_errors=True)
        copy = Killable(self.repo.copied_to(folder / "repo"), self.files, self.killer)
        shutil.copytree(self.repo.path.parent / "storage", folder / "storage")
        return copy

    def erase(self, limit: int = 10**9) -> tuple[int, int]:
        """Stop before change number `limit`, in whichever process it is; the exit code, and the changes until then."""
        count = self.killer / "count"
        count.unlink(missing_ok=True)
        env = {"PYTHONPATH": str(self.killer), "KILLER_COUNT": str(count), "KILLER_LIMIT": str(limit)}
        command = (sys.executable, "src", "erase", *self.files, "--reason", "asked", "--confirm")
        done = self.repo.run("setsid", "--wait", *command, code=None, **env)
        assert done.code in (0, -signal.SIGKILL), done.printed
        return done.code, count.stat().st_size

    def left(self) -> tuple:
        return outcome(self.repo), objects(self.repo.path.parent / "storage")


def test_an_erase_killed_at_twenty_points_ends_as_one_that_was_not(asked, tmp_path):
    """Each stopped one is gone on with and stopped again, until it ends; then the next starts from the beginning."""
    asked.dvc("remote", "add", "-d", "folder", "../storage")
    asked.commit("Remote")
    asked.dvc("push", "--run-cache")
    (tmp_path / "killer").mkdir()
    (tmp_path / "killer/sitecustomize.py").write_text(KILLER)
    begin = Killable(asked, planted(asked), tmp_path / "killer")
    smooth = begin.restored(tmp_path / "smooth")
    code, total = smooth.erase()
    assert code == 0
    expected = smooth.left()

    draws, killed, stopped = random.Random(0), 0, begin.restored(tmp_path / "stopped")
    while killed < KILLS:
        code, _ = stopped.erase(draws.randrange(1, total // 3))
        killed += code != 0
        if code == 0:
            assert stopped.left() == expected
            stopped = begin.restored(tmp_path / "stopped")
    assert stopped.erase()[0] == 0
    assert stopped.left() == expected


@pytest.fixture
def inside(asked, monkeypatch):
    """A function that erases in this repository, in this process."""
    for name, value in environment(asked.path.parent).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(asked.path)

    def run(*arguments: str) -> None:
        monkeypatch.setattr(sys, "argv", ["erase", *arguments])
        erase.main()

    return run


def refused(asked, inside, complaint: str, *arguments: str) -> None:
    before = asked.files("data", "models", ".dvc/cache")
    with pytest.raises(BadInput, match=complaint):
        inside(*(arguments or planted(asked)), "--reason", "asked", "--confirm")
    assert asked.files("data", "models", ".dvc/cache") == before
    assert not (asked / "receipts").exists()


def test_what_must_be_trained_again_is_refused_before_anything_is_touched_and_priced(asked, inside, capsys):
    refused(asked, inside, "repeat with --retrain", "dog/00.png")
    assert "to be trained again: models/shards/tiny-3/dog, " in capsys.readouterr().out
    inside("dog/00.png", "--reason", "asked")
    assert "repeat with --confirm --retrain." in capsys.readouterr().out


def test_uncommitted_changes_a_running_or_broken_dvc_and_a_full_disk_are_refused(asked, inside, monkeypatch):
    (asked / "params.yaml").write_text((asked / "params.yaml").read_text() + "# mine\n")
    refused(asked, inside, r"uncommitted changes \(params.yaml\)")
    asked.git("checkout", "--quiet", ".")

    lock = {"write": {"x": {"pid": 1, "cmd": "dvc repro"}}}
    (asked / ".dvc/tmp/rwlock").write_text(json.dumps(lock))
    refused(asked, inside, r"DVC is at work here \(process 1\)")
    (asked / ".dvc/tmp/rwlock").write_text("{")
    refused(asked, inside, "dvc status fails: ERROR: Unable to read RWLock-file")
    (asked / ".dvc/tmp/rwlock").unlink()

    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 9, 1))
    refused(asked, inside, "the disk has 1 bytes left")


@pytest.mark.parametrize("kind", ["s3", "ssh"])
@pytest.mark.parametrize("user", ["reader", "stranger", "down"])
def test_a_remote_that_cannot_be_written_is_refused_by_name(asked, inside, remote, kind, user, monkeypatch):
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    add(asked, "storage", remote(kind, user))
    refused(asked, inside, "storage cannot be")


def test_a_shallow_clone_is_refused(asked, tmp_path, monkeypatch):
    asked.git("clone", "--quiet", "--depth", "1", f"file://{asked.path}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    with pytest.raises(BadInput, match="shallow clone"):
        erase.check_workspace()


def test_a_class_that_is_erased_whole_is_legal_to_the_last_page(asked):
    asked.src("erase", "--class", "dog", "--reason", "asked", "--confirm", "--retrain")
    assert asked.dvc("repro").executed == []
    assert "dog" not in asked.metrics("before")["held_out"]["mean_logits"]["class"]
    asked.src("report")
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
    (renewal, "dvc", "split", 16 * 1024),
    (renewal, "keep", None, 32 * 1024),
    (scan, "remove", None, 0),
    (receipts, "write", None, 0),
]


def test_a_disk_that_fills_up_on_the_way_costs_nothing_but_a_repetition(small_disk, asked, inside, monkeypatch):
    order = (*planted(asked), "--reason", "asked", "--confirm")
    smooth = asked.copied_to(small_disk / "smooth")
    monkeypatch.chdir(smooth.path)
    inside(*order)
    monkeypatch.chdir(asked.path)
    there = objects(asked / ".dvc/cache")
    for where, name, word, left in FILLED_UP:
        filling, function = Filling(small_disk, left), getattr(where, name)
        monkeypatch.setattr(where, name, filling.before(function, word))
        with pytest.raises(BadInput, match=r"No space left|of disk left") as stopped:
            inside(*order)
        monkeypatch.setattr(where, name, function)
        assert "\n" not in str(stopped.value)
        filling.file.unlink()
        if where is not receipts:
            assert objects(asked / ".dvc/cache") >= there
    inside(*order)
    assert outcome(asked) == outcome(smooth)
