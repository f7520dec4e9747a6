"""Have an approximate unlearner forget what the request covers: in the affected members, and in baseline_full."""

from dataclasses import asdict

from sisa.base import paths
from sisa.base.files import write_json
from sisa.base.params import load
from sisa.cost import budgets
from sisa.data import tables
from sisa.data.images import Images
from sisa.unlearners.apply import unlearn
from sisa.unlearning import forget_set


def main() -> None:
    params, to_forget = load(), forget_set.read(paths.FORGET_SET)
    shards, union = tables.read_shards(paths.SHARDS, params.shards), tables.read(paths.UNION, Images)
    trained_on = {paths.members(params) / name: (shards[name], gone) for name, gone in to_forget.removed.items()}
    trained_on[paths.BASELINE_FULL] = (union, to_forget.ids)
    counted = {}
    for model, price in budgets.prices(shards, union, to_forget, params).items():
        images, gone = trained_on[model]
        samples = unlearn(model, images, images.among(gone), price.budget, paths.unlearned(params, model), params)
        counted[model.as_posix()] = asdict(price) | {"samples": samples}
    write_json(paths.approximating(params), counted)
