"""A member on disk: one safetensors file a slice, and the training log.

A folder without a checkpoint is an empty member, trained on nothing. Only headers are read until weights are
needed, so looking at a member does not import torch.
"""

import csv
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open

from sisa.base.errors import BadInput
from sisa.base.files import write_csv

LOG = "log.csv"
LOG_COLUMNS = {"slice": int, "epoch": int, "loss": float, "accuracy": float, "samples": int}


@dataclass(frozen=True)
class Seen:
    """What a checkpoint was trained on: the digest of each slice, and images of each class."""

    digests: list[str]
    counts: dict[str, int]


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """A scratch folder that takes the place of `folder` when the block ends well, and vanishes otherwise."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".partial-", dir="models"))
    try:
        yield scratch
        scratch.chmod(0o755)
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def slice_file(folder: Path, number: int) -> Path:
    """The checkpoint after slice `number`, counted from 0 in code and from 1 in names."""
    return folder / f"slice-{number + 1}.safetensors"


def last_slice(folder: Path) -> int | None:
    """The number of the last checkpoint; None for an empty member. Raises BadInput when there is no member at all."""
    if not (folder / LOG).is_file():
        raise BadInput(f"{folder}: no trained member here; {way_back(folder)}")
    log = read_log(folder)
    return log[-1]["slice"] - 1 if log else None


def fingerprints(folder: Path) -> dict[str, str]:
    """The SHA-256 (hex) of each file in a member's folder: two members are the same if these are."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def fingerprint(folder: Path) -> str:
    """The SHA-256 (hex) of the last checkpoint, or `empty`. Raises BadInput where there is no member."""
    last = last_slice(folder)
    return "empty" if last is None else fingerprints(folder).get(slice_file(folder, last).name, "missing")


def write_checkpoint(folder: Path, number: int, checkpoint, seen: Seen) -> None:
    """Write the tensors of a training.Checkpoint, with what it was trained on in the header."""
    from safetensors.torch import save  # reading a header must not import torch

    tensors = {f"weights/{name}": value for name, value in checkpoint.weights.items()}
    tensors |= {f"optimizer/{name}": value for name, value in checkpoint.optimizer.items()}
    # one key, because the order of several would differ from run to run
    header = {"seen": json.dumps({"digests": seen.digests, "counts": seen.counts})}
    file = save({name: value.contiguous() for name, value in tensors.items()}, header)
    slice_file(folder, number).write_bytes(file)


def read_seen(folder: Path, number: int) -> Seen:
    """The header of a checkpoint. Raises BadInput when the file is missing, damaged or not ours."""
    with opened(slice_file(folder, number), "numpy") as file:
        try:
            return Seen(**json.loads(file.metadata()["seen"]))
        except (ValueError, TypeError) as error:
            raise foreign(slice_file(folder, number)) from error


def read_tensors(folder: Path, number: int) -> tuple[dict, dict]:
    """Weights and optimizer state of a checkpoint, as torch tensors. Raises BadInput like read_seen."""
    with opened(slice_file(folder, number), "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    return tuple(
        {name.removeprefix(part): value for name, value in tensors.items() if name.startswith(part)}
        for part in ("weights/", "optimizer/")
    )


@contextmanager
def opened(path: Path, framework: str) -> Iterator[safe_open]:
    try:
        with safe_open(path, framework=framework) as file:
            if "seen" not in (file.metadata() or {}):
                raise foreign(path)
            yield file
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path}: missing or damaged ({error}); {way_back(path.parent)}") from error


def way_back(folder: Path) -> str:
    return f"bring it back: dvc checkout --force {folder}, or train it: dvc repro"


def foreign(path: Path) -> BadInput:
    return BadInput(f"{path}: not weights that this recipe trained; {way_back(path.parent)}")


def write_log(folder: Path, log: list[dict]) -> None:
    write_csv(folder / LOG, [tuple(LOG_COLUMNS), *(tuple(row[name] for name in LOG_COLUMNS) for row in log)])


def read_log(folder: Path) -> list[dict]:
    """The training log, one row an epoch. Raises BadInput when it is missing or not ours."""
    path = folder / LOG
    try:
        with path.open(newline="") as file:
            return [{name: kind(row[name]) for name, kind in LOG_COLUMNS.items()} for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: missing or damaged; {way_back(folder)}") from error


def samples(log: list[dict], after: int = 0) -> int:
    """Samples (of loop.train_slice) in these rows of a training log, those of the first `after` slices left out."""
    return sum(row["samples"] for row in log if row["slice"] > after)
