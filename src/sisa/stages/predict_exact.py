"""Ask the members without any copy of a forgotten image about the same images as all others."""

from sisa.base import paths
from sisa.base.params import load
from sisa.inference.logits import answer


def main() -> None:
    params = load()
    answer([paths.retrained_exact(params) / name for name in params.shards], params, paths.LOGITS_EXACT)
