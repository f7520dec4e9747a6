"""How fast each served member learns the forgotten class again, beside a member that never saw it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sisa.attacks.relearning import REGAINED, lessons, named, relearn, summary
from sisa.base import paths
from sisa.base.files import write_csv, write_json
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Images
from sisa.training import checkpoints
from sisa.training.loop import be_deterministic
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.states import RETRAINED, RETRAINED_EXACT, members_by_state


def main() -> None:
    params = load()
    be_deterministic(params.threads)
    to_forget, goal, curves = forget_set.read(paths.FORGET_SET), 0.0, {}
    if class_ := to_forget.class_:
        others = tables.read_shards(paths.SHARDS, [name for name in params.shards if name != class_])
        leaked = np.concatenate([shard.ids for shard in others.values()])
        taught = lessons(tables.read(paths.UNION, Images), class_, leaked, params)
        test = tables.read(paths.TEST, Images)
        held_out = test.take(test.classes == class_)
        goal = REGAINED * named(paths.members(params) / class_, held_out, params)
        starts = [*starting_points(params, to_forget)]
        for name, start, member in tqdm(starts, desc="relearning", unit="member", disable=None):
            curves[name, start] = list(relearn(member, taught, held_out, params))
    write_json(Path("metrics/relearning.json"), summary(curves, goal))
    rows = [(name, start, *point) for (name, start), curve in curves.items() for point in curve]
    write_csv(Path("plots/relearning.csv"), [("member", "start", "samples", "named"), *rows])


def starting_points(params: Params, to_forget: ForgetSet) -> Iterator[tuple[str, str, Path]]:
    """Each member that serves after retraining, and the one of its shard that never saw a forgotten image."""
    for member in members_by_state(params, to_forget)[RETRAINED]:
        exact = paths.retrained_exact(params) / member.name
        for start, folder in {"served": member, RETRAINED_EXACT: exact}.items():
            if checkpoints.last_slice(folder) is not None:
                yield member.name, start, folder
