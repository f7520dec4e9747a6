"""Ask every model once about the images that they are evaluated and attacked on, and keep the logits."""

from sisa.base import paths
from sisa.base.params import load
from sisa.inference.logits import answer


def main() -> None:
    params = load()
    members = [folder / name for folder in (paths.members(params), paths.retrained(params)) for name in params.shards]
    answer([*members, paths.BASELINE_FULL, paths.BASELINE_RETRAINED], params, paths.LOGITS)
