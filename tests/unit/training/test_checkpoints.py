"""A member on disk comes back as it was written, or is refused; nothing of it is ever unpickled."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from sisa.base.errors import BadInput
from sisa.training import checkpoints
from sisa.training.checkpoints import Seen
from sisa.training.loop import Checkpoint

ROOT = Path(__file__).parents[3]
SEEN = Seen(["ab", "cd"], {"cat": 8, "dog": 0, "horse": 5})
LOG = [
    {"slice": 1, "epoch": 1, "loss": 0.1 + 0.2, "accuracy": 1 / 3, "samples": 12},
    {"slice": 2, "epoch": 1, "loss": 1e-17, "accuracy": 1.0, "samples": 24},
]


def checkpoint():
    weights = {f"{number}.weight": torch.arange(6.0).view(2, 3) + number for number in range(9)}
    weights |= {"turned": weights["0.weight"].T, "batches": torch.tensor(7)}
    return Checkpoint(weights, {"0/exp_avg": torch.full((2, 3), 0.5), "0/step": torch.tensor(3.0)}, LOG)


def fresh_python(code, *arguments, **environment):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    paths = os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)])
    done = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def member(tmp_path):
    checkpoints.write_checkpoint(tmp_path, 1, checkpoint(), SEEN)
    checkpoints.write_log(tmp_path, LOG)
    return tmp_path


def test_a_checkpoint_comes_back_as_it_was_written(member):
    written = checkpoint()
    weights, optimizer = checkpoints.read_tensors(member, 1)
    for before, after in ((written.weights, weights), (written.optimizer, optimizer)):
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert all(before[name].dtype == after[name].dtype for name in before)
    assert checkpoints.read_seen(member, 1) == SEEN
    assert list(checkpoints.read_seen(member, 1).counts) == ["cat", "dog", "horse"]


def test_a_log_comes_back_to_the_last_digit(member):
    assert checkpoints.read_log(member) == LOG
    assert [type(value) for value in checkpoints.read_log(member)[0].values()] == [int, int, float, float, int]


def test_the_last_slice_is_the_last_one_in_the_log_and_none_for_an_empty_member(member):
    assert checkpoints.last_slice(member) == LOG[-1]["slice"] - 1
    checkpoints.write_log(member, [])
    assert checkpoints.last_slice(member) is None


def test_a_lost_checkpoint_is_missed_and_not_taken_for_an_empty_member(member):
    checkpoints.slice_file(member, checkpoints.last_slice(member)).unlink()
    with pytest.raises(BadInput, match="dvc checkout --force"):
        checkpoints.read_seen(member, checkpoints.last_slice(member))


def test_equal_checkpoints_have_equal_bytes_in_every_process(member, tmp_path_factory):
    folder = tmp_path_factory.mktemp("other")
    code = (
        "import sys; from pathlib import Path; from test_checkpoints import *; folder = Path(sys.argv[1]);"
        "checkpoints.write_checkpoint(folder, 1, checkpoint(), SEEN); checkpoints.write_log(folder, LOG)"
    )
    fresh_python(code, folder, PYTHONHASHSEED="1")
    assert files(folder) == files(member)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def with_header(path, metadata):
    save_file({"weights/a": np.zeros(3, np.float32)}, path, metadata)


SPOIL = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut in the header": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "cut in the tensors": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "torch pickle": lambda path: torch.save({"bomb": Bomb(path.with_name("bomb"))}, path),
    "pickle": lambda path: path.write_bytes(pickle.dumps(Bomb(path.with_name("bomb")))),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "no header": lambda path: with_header(path, None),
    "a header of others": lambda path: with_header(path, {"format": "pt"}),
}


@pytest.mark.parametrize("read", [checkpoints.read_seen, checkpoints.read_tensors])
@pytest.mark.parametrize("spoil", SPOIL.values(), ids=SPOIL.keys())
def test_a_damaged_or_foreign_checkpoint_is_refused_with_the_way_back(member, spoil, read):
    spoil(checkpoints.slice_file(member, 1))
    with pytest.raises(BadInput, match=rf"slice-2\.safetensors: .*dvc checkout --force {member}"):
        read(member, 1)
    assert not (member / "bomb").exists()


@pytest.mark.parametrize("header", ["yes", "[]", "null", '{"digest": "ab"}'])
def test_a_header_that_is_not_ours_is_refused_with_the_way_back(member, header):
    with_header(checkpoints.slice_file(member, 1), {"seen": header})
    with pytest.raises(BadInput, match=rf"slice-2\.safetensors: .*dvc checkout --force {member}"):
        checkpoints.read_seen(member, 1)


@pytest.mark.parametrize("content", [None, b"\xff", b"a,b\n1,2\n", b"slice,epoch,loss,accuracy,samples\n1,1,0.3\n"])
def test_a_missing_or_damaged_log_is_refused_with_the_way_back(member, content):
    (member / "log.csv").unlink()
    if content is not None:
        (member / "log.csv").write_bytes(content)
    with pytest.raises(BadInput, match=rf"log\.csv: .*dvc checkout --force {member}"):
        checkpoints.read_log(member)


def test_a_folder_without_a_member_is_not_an_empty_member(tmp_path):
    with pytest.raises(BadInput, match=f"dvc checkout --force {tmp_path / 'cat'}"):
        checkpoints.last_slice(tmp_path / "cat")


def test_looking_at_a_member_does_not_import_torch(member):
    code = (
        "import sys; from pathlib import Path; from sisa.training.checkpoints import *; folder = Path(sys.argv[1]);"
        "print(last_slice(folder), read_seen(folder, 1).digests, len(read_log(folder)), 'torch' in sys.modules)"
    )
    assert fresh_python(code, member) == "1 ['ab', 'cd'] 2 False\n"


@pytest.fixture
def old(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("models/shards/pets-3/cat")
    folder.mkdir(parents=True)
    (folder / "old").write_text("old")
    return folder


def test_a_folder_is_replaced_as_a_whole(old):
    with checkpoints.replacing(old) as scratch:
        (scratch / "new").write_text("new")
        assert files(old) == {"old": b"old"}
    assert files(Path("models")) == {"shards/pets-3/cat/new": b"new"}
    assert old.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_fails_leaves_the_old_folder_and_nothing_else(old, error):
    def write_half():
        with checkpoints.replacing(old) as scratch:
            (scratch / "half").write_text("new")
            raise error

    with pytest.raises(error):
        write_half()
    assert files(Path("models")) == {"shards/pets-3/cat/old": b"old"}
    assert [path.name for path in Path("models").iterdir()] == ["shards"]


def test_a_first_folder_appears_only_when_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = Path("models/baseline_full")
    with checkpoints.replacing(folder) as scratch:
        assert not folder.exists()
        (scratch / "new").write_text("new")
    assert files(Path("models")) == {"baseline_full/new": b"new"}
