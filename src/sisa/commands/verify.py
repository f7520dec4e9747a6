"""`make verify`: train every served member again, from scratch on its retained shard, and compare the bytes.

On the CPU they must be equal; a member whose shard lost nothing must also be the one from before. A GPU's algorithms
are made deterministic too, but were not tried: there, the largest difference between the logits of the two on the test
set is reported, and it is yours to judge.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.files import read_json
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Images, Shard
from sisa.inference.outputs import HELD_OUT
from sisa.training import checkpoints
from sisa.training.fit import fit
from sisa.training.resume import Retraining


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("members", nargs="*", metavar="MEMBER", help="only these; all by default")


def main(options: argparse.Namespace) -> None:
    params = load()
    names = options.members or params.shards
    if unknown := set(names) - set(params.shards):
        raise BadInput(f"there is no member {', '.join(sorted(unknown))}; choose from {', '.join(params.shards)}")
    Path("models").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".verify-", dir="models") as scratch:
        verdicts = [verify(name, Path(scratch, name), params) for name in names]
    print(tabulate([row for row, _ in verdicts], headers="keys"))
    if wrong := [row["member"] for row, exact in verdicts if not exact]:
        raise BadInput(f"not exact: {', '.join(wrong)}; `make audit` says whether a file has changed since the run")


def verify(name: str, scratch: Path, params: Params) -> tuple[dict[str, str], bool]:
    """A served member beside one trained from scratch, each by the SHA-256 of its last checkpoint; does it pass?"""
    member = paths.retrained(params) / name
    untouched = read_json(paths.retraining(params, name), Retraining).untouched_slices
    kept, served = untouched == params.slices, checkpoints.fingerprint(member)
    retained = tables.read(paths.RETAINED / f"{name}.parquet", Shard)
    fit(scratch, name, retained, retained.slices, params.slices, params)
    exact, verdict = compare(member, scratch, params)
    if exact and kept:
        exact = checkpoints.fingerprints(member) == checkpoints.fingerprints(paths.members(params) / name)
        verdict += ", and as before" if exact else ", but NOT as before"
    resumed = "kept" if kept else f"slice {untouched + 1} of {params.slices}"
    weights = {"served weights": served[:16], "from scratch": checkpoints.fingerprint(scratch)[:16]}
    return {"member": name, "retrained from": resumed} | weights | {"verdict": verdict}, exact


def compare(member: Path, scratch: Path, params: Params) -> tuple[bool, str]:
    """Whether the served member passes, and the verdict in words. Only on the CPU must it be equal.

    Logits differ by 0 where only optimizer state, log or earlier checkpoints do; infinitely where one member is empty.
    """
    from sisa.inference.logits import predict_logits
    from sisa.training.loop import device

    if checkpoints.fingerprints(member) == checkpoints.fingerprints(scratch):
        return True, "as from scratch"
    answers = predict_logits([member, scratch], {HELD_OUT: tables.read(paths.TEST, Images)}, params)
    logits = [model.logits[HELD_OUT] for model in answers.values()]
    difference = np.abs(logits[0] - logits[1]).max(initial=0) if len(logits) > 1 else np.inf
    passes = device().type != "cpu" and bool(np.isfinite(difference))
    return passes, f"DIFFERS from scratch, by {difference:.2g} in a logit"
