"""Score the conventional model that was trained on the surviving copies, as `evaluate` scores the baselines."""

from pathlib import Path

from sisa.base import paths
from sisa.base.files import write_json
from sisa.base.params import load
from sisa.evaluation import scoring
from sisa.inference import outputs
from sisa.unlearning import forget_set


def main() -> None:
    params = load()
    asked, models = outputs.read(paths.LOGITS_CONTROLS)
    to_forget = forget_set.read(paths.FORGET_SET)
    on = scoring.evaluation_set(asked, params.class_names, to_forget)
    predictions = {model.name: scoring.of_model(models[model]) for model in [paths.BASELINE_LEAKED] if model in models}
    found = {name: scoring.utility(each, on) for name, each in predictions.items()}
    write_json(Path("metrics/controls.json"), found)
