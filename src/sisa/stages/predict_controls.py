"""Ask the models that stand beside the service as controls about the same images as all others."""

from sisa.base import paths
from sisa.base.params import load
from sisa.inference.logits import answer


def main() -> None:
    params = load()
    exact = [paths.retrained_exact(params) / name for name in params.shards]
    answer([*exact, paths.BASELINE_LEAKED], params, paths.LOGITS_CONTROLS)
