"""`make verify`: train every retrained member again, from scratch on its retained shard, and compare the bytes.

On the CPU they must be equal. A GPU's algorithms are made deterministic too, but were not tried: there, the largest
difference between the logits of the two on the test set is reported instead.
"""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from sisa import checkpoints, paths, tables
from sisa.cost import Retraining
from sisa.errors import BadInput
from sisa.files import read_json
from sisa.fitting import fit
from sisa.images import Images, Shard
from sisa.params import Params, load


@dataclass(frozen=True)
class Verdict:
    """A served member beside what it must be equal to; weights are the SHA-256 of the last checkpoint."""

    member: str
    retrained_from: str
    weights: str
    expected: str
    verdict: str
    exact: bool


def main() -> None:
    params = load()
    Path("models").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".verify-", dir="models") as scratch:
        verdicts = [verify(name, Path(scratch, name), params) for name in params.shards]
    shown = pd.DataFrame(map(asdict, verdicts)).drop(columns="exact")
    print(tabulate(shown, headers=[name.replace("_", " ") for name in shown], showindex=False))
    if wrong := [each.member for each in verdicts if not each.exact]:
        raise BadInput(f"not exact: {', '.join(wrong)}; `make audit` says whether a file has changed since the run")


def verify(name: str, scratch: Path, params: Params) -> Verdict:
    """Compare the served member with one trained from scratch, or where nothing was removed with the one before."""
    from sisa.training import device

    shard, retained = (tables.read(folder / f"{name}.parquet", Shard) for folder in (paths.SHARDS, paths.RETAINED))
    affected = len(retained) < len(shard)
    if affected:
        fit(scratch, name, retained, retained.slices, params.slices, params)
    member, other = paths.retrained(params) / name, scratch if affected else paths.members(params) / name
    served, expected = weights(member), weights(other)
    exact = checkpoints.fingerprints(member) == checkpoints.fingerprints(other)
    verdict = "as trained from scratch" if affected else "as it was before"
    if not exact:
        verdict = f"differs by {largest_difference(member, other, params):.2g} in a logit"
        exact = affected and device().type != "cpu"
    return Verdict(name, resumed(name, params), served[:16], expected[:16], verdict, exact)


def resumed(name: str, params: Params) -> str:
    """From which slice retraining went on."""
    untouched = read_json(paths.retraining(params, name), Retraining).untouched_slices
    return "kept" if untouched == params.slices else f"slice {untouched + 1} of {params.slices}"


def weights(member: Path) -> str:
    """The SHA-256 of a member's last checkpoint. Raises BadInput where there is no member."""
    last = checkpoints.last_slice(member)
    if last is None:
        return "empty"
    return checkpoints.fingerprints(member).get(checkpoints.slice_file(member, last).name, "missing")


def largest_difference(member: Path, other: Path, params: Params) -> float:
    """Between the logits of two members on the test set; infinite where one of them is empty."""
    from sisa.answers import ask

    held_out = {"held_out": tables.read(paths.TEST, Images)}
    first, second = (ask(model, held_out, params) for model in (member, other))
    if first is None or second is None:
        return np.inf
    return float(np.abs(first.logits["held_out"] - second.logits["held_out"]).max())


if __name__ == "__main__":
    main()
