"""What an approximate unlearner may use up: a share of what exact forgetting of the same takes."""

from dataclasses import dataclass
from pathlib import Path

from sisa.base import paths
from sisa.base.params import Params
from sisa.cost.predictions import predicted_retraining
from sisa.data.images import Images, Shard
from sisa.training.slicing import slice_epochs
from sisa.unlearning.forget_set import ForgetSet


@dataclass(frozen=True)
class Price:
    """Samples of forgetting what one model is to forget: exactly, and those that an approximate unlearner is given."""

    exact: int
    budget: int


Prices = dict[Path, Price]


def prices(shards: dict[str, Shard], union: Images, forget_set: ForgetSet, params: Params) -> Prices:
    """Of each model as trained that saw something to forget: the affected members, and baseline_full."""
    recipe, slices, removed = params.train, params.slices, forget_set.removed
    exact = {
        paths.members(params) / name: predicted_retraining(
            shards[name].slices, shards[name].among(gone), slices, slice_epochs(recipe.epochs, slices)
        )
        for name, gone in removed.items()
    }
    if removed:
        retained = len(union) - len(forget_set.ids)
        exact[paths.BASELINE_FULL] = retained * slice_epochs(recipe.epochs, 1)
    return {model: Price(samples, share(samples, params.unlearner.budget)) for model, samples in exact.items()}


def share(samples: int, of: float) -> int:
    """A share of so many samples, at least one unless there is none."""
    return max(1, round(samples * of)) if samples else 0
