"""Count what training and unlearning took, beside what is predicted; and keep the loss curves of the training logs."""

from pathlib import Path

from sisa.base import paths
from sisa.base.files import write_csv, write_json
from sisa.base.params import load
from sisa.cost.report import cost_report, loss_curves
from sisa.data import tables
from sisa.training import checkpoints
from sisa.unlearning import forget_set
from sisa.unlearning.states import BASELINES


def main() -> None:
    params = load()
    shards = tables.read_shards(paths.SHARDS, params.shards)
    write_json(Path("metrics/cost.json"), cost_report(params, shards, forget_set.read(paths.FORGET_SET)))
    models = {name: paths.members(params) / name for name in params.shards} | {model.name: model for model in BASELINES}
    logs = {name: checkpoints.read_log(model) for name, model in models.items()}
    write_csv(Path("plots/loss.csv"), loss_curves(logs))
