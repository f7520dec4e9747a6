"""Ask the models that were unlearned approximately about the same images as all others."""

from pathlib import Path

from sisa.base import paths
from sisa.base.files import read_json
from sisa.base.params import load
from sisa.inference.logits import answer


def main() -> None:
    params = load()
    models = map(Path, read_json(paths.approximating(params), dict))
    answer([paths.unlearned(params, model) for model in models], params, paths.LOGITS_UNLEARNED)
