"""Which models answer in each state."""

from pathlib import Path

from sisa.base import paths
from sisa.base.params import Params
from sisa.unlearning.forget_set import ForgetSet

STATES = BEFORE, AFTER, RETRAINED = ("before", "after", "retrained")
RETRAINED_EXACT = "retrained_exact"  # the ensemble without any copy of a forgotten image, to compare with
BASELINES = (paths.BASELINE_FULL, paths.BASELINE_RETRAINED)


def members_by_state(params: Params, forget_set: ForgetSet) -> dict[str, list[Path]]:
    """The members that each of STATES answers with, in shard order; an empty one among them has no outputs."""
    trained, again = paths.members(params), paths.retrained(params)
    return {
        BEFORE: [trained / name for name in params.shards],
        AFTER: [trained / name for name in params.shards if name not in forget_set.affected],
        RETRAINED: [(again if name in forget_set.affected else trained) / name for name in params.shards],
    }
