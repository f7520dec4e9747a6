"""Git and DVC as they are called, and the lock as it is read."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sisa.base.errors import BadInput
from sisa.repository import dvc, lock
from sisa.repository.git import GitError, git, git_bytes

STAND_IN = """
import subprocess, sys
print("begun", flush=True)
sys.exit(3 if subprocess.run(sys.argv[1:]).returncode else 0)
"""


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """An empty Git repository in the working directory."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    return tmp_path


@pytest.fixture
def stand_in(monkeypatch):
    """A process that, like DVC, runs a command and fails when that fails; it takes the place of DVC."""
    monkeypatch.setattr(dvc, "DVC", (sys.executable, "-c", STAND_IN))


def test_git_s_own_words_are_the_error_in_one_line(repo):
    with pytest.raises(GitError, match=r"^fatal: .*nowhere") as refused:
        git("log", "nowhere", "--")
    assert "\n" not in str(refused.value)


def test_names_and_contents_that_are_no_text_come_as_bytes(repo):
    Path("a\udcff").write_bytes(b"\xff")
    assert git_bytes("ls-files", "--others", "-z") == b"a\xff\0"
    name = git_bytes("hash-object", "-w", "--stdin", given=b"\xff").decode().strip()
    assert git_bytes("cat-file", "--batch", given=f"{name}\n".encode()).endswith(b" blob 1\n\xff\n")
    with pytest.raises(GitError, match="codec can't decode"):
        git("cat-file", "-p", name)


def test_dvc_s_own_words_are_the_error_in_one_line(repo):
    with pytest.raises(BadInput, match=r"^dvc status fails: ERROR: you are not inside of a DVC repository") as refused:
        dvc.dvc("status")
    assert "\n" not in str(refused.value)


def test_a_command_in_sight_that_fails_says_how_much_disk_is_left(monkeypatch):
    monkeypatch.setattr(dvc, "DVC", (sys.executable, "-c", "import sys; sys.exit(sys.argv[2] == 'bad')"))
    dvc.dvc_in_sight("good")
    with pytest.raises(BadInput, match=r"`dvc bad` failed, for the reason above, with .*B of disk left"):
        dvc.dvc_in_sight("bad")


def test_only_the_command_of_a_stage_is_ended_and_dvc_ends_by_itself(stand_in, tmp_path):
    stopping = threading.Event()
    threading.Timer(0.5, stopping.set).start()
    begun = time.monotonic()
    assert dvc.dvc_logged("sleep", "600", log=tmp_path / "log", stop=stopping.is_set) == 3
    assert time.monotonic() - begun < 60
    assert (tmp_path / "log").read_text() == "begun\n"


def test_an_exception_on_the_way_ends_it_too(stand_in, tmp_path):
    def stop():
        if (tmp_path / "log").read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dvc.dvc_logged("sleep", "600", log=tmp_path / "log", stop=stop)


def test_only_living_processes_are_at_work(repo):
    assert dvc.at_work() == []
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    Path(".dvc/tmp").mkdir(parents=True)
    held = {"write": {"a": {"pid": ended.pid}}, "read": {"b": [{"pid": 1}]}}
    dvc.RWLOCK.write_text(json.dumps(held))
    assert dvc.at_work() == [1]


def test_a_lock_tells_what_its_stages_read_and_wrote():
    text = "stages:\n  split: {cmd: x, deps: [{path: a, md5: m, hash: md5}], params: {params.yaml: {seed: 0}}}\n"
    entry = lock.parsed(text)["split"]
    assert ([dep.path for dep in entry.deps], entry.outs) == (["a"], [])
    assert entry.params == {"params.yaml": {"seed": 0}}


@pytest.mark.parametrize("text", ["", "[", "stages:", "- a", "stages: {split: null}", "stages: {split: {deps: null}}"])
def test_what_is_no_lock_is_refused(text):
    with pytest.raises(ValueError):  # noqa: PT011
        lock.parsed(text)


def test_where_no_lock_is_it_is_empty(tmp_path):
    assert lock.content(tmp_path) == {"schema": "2.0", "stages": {}}


def test_dvc_yaml_tells_what_each_stage_needs_and_whether_it_leaves_results_to_git(repo):
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], check=True)
    Path("params.yaml").write_text("seed: 7\nother: 1\n")
    Path("dvc.yaml").write_text(
        "stages:\n"
        "  split: {cmd: x, deps: [raw], params: [seed], outs: [pool]}\n"
        "  evaluate: {cmd: y, deps: [pool], params: [{params.yaml: }], outs: [{plot: {cache: false}}]}\n"
    )
    Path("raw.dvc").write_text("outs: [{path: raw, md5: 0123456789abcdef0123456789abcdef, size: 1, hash: md5}]\n")
    found = lock.declared()
    assert found.keys() == {"split", "evaluate", "raw.dvc"}
    split = lock.Declared("x", {"raw"}, {"pool"}, {"params.yaml": {"seed": 7}}, {"raw.dvc"}, False)
    assert found["split"] == split
    assert found["evaluate"].params == {"params.yaml": {"seed": 7, "other": 1}}
    assert (found["evaluate"].needs, found["evaluate"].in_git) == ({"split"}, True)
    assert lock.changed() == {"split", "evaluate", "raw.dvc"}


def test_a_dvc_yaml_that_is_none_is_refused_in_one_line(repo):
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], check=True)
    Path("dvc.yaml").write_text("stages: {split: {no: command}}\n")
    for read in (lock.declared, lock.changed):
        with pytest.raises(BadInput, match=r"dvc\.yaml") as refused:
            read()
        assert "\n" not in str(refused.value)
