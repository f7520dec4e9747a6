"""The public Python API, `sisa.load`: the images of a run, and what its models answered, as tables and arrays.

It reads what the pipeline wrote and asks no model again, so that every number is that of the metrics files.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from sisa.base import paths
from sisa.base.elementary import softmax
from sisa.base.errors import BadInput
from sisa.base.params import Params
from sisa.base.params import load as load_params
from sisa.data import tables
from sisa.data.images import Pool, Shard
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import loss_of
from sisa.evaluation.scoring import Predictions
from sisa.inference import outputs
from sisa.inference.outputs import HELD_OUT, Asked, ModelOutputs
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.states import BASELINES, members_by_state

BASELINE_STATES = {model.name: [model] for model in BASELINES}


@dataclass(frozen=True)
class Run:
    """A scenario as it was run. An image is named by its id (SHA-256, hex), a model by its state and its shard.

    A state is `before`, `after` or `retrained`, of the ensemble; `baseline_full` or `baseline_retrained`, of one model.
    """

    params: Params
    pool: Pool
    shards: dict[str, Shard]
    forget_set: ForgetSet
    asked: dict[str, Asked]
    models: dict[Path, ModelOutputs]

    @property
    def classes(self) -> list[str]:
        """The class names, in the order of every table's columns."""
        return self.params.class_names

    @cached_property
    def states(self) -> dict[str, dict[str, ModelOutputs]]:
        """The models that answer in each state, by name; one that was left no image to train on is absent."""
        return outputs.by_state(members_by_state(self.params, self.forget_set) | BASELINE_STATES, self.models)

    @cached_property
    def images(self) -> pd.DataFrame:
        """One row an image that the models were asked about, by id.

        `set` (`held_out`, `training_images`, or `unused`: of the classes to forget, in no shard), `class`, `copies`:
        how many shards hold it, and `forgotten`: whether the request takes it from at least one of them.
        """
        parts = [
            pd.DataFrame({"set": name, "class": images.classes}, index=pd.Index(images.ids, name="id"))
            for name, images in self.asked.items()
        ]
        table = pd.concat(parts)
        copies = pd.Series(np.concatenate([shard.ids for shard in self.shards.values()])).value_counts()
        table["copies"] = copies.reindex(table.index, fill_value=0).to_numpy()
        table["forgotten"] = table.index.isin(self.forget_set.ids)
        return table

    def pixels(self, ids: Collection[str]) -> np.ndarray:
        """The images as matplotlib takes them: [n, height, width] uint8 if grey, [n, height, width, 3] if not.

        Raises BadInput for an id that is not in the pool.
        """
        place = {image: number for number, image in enumerate(self.pool.ids)}
        check_known(ids, place, "id of an image in the pool")
        found = self.pool.pixels[[place[image] for image in ids]]
        return found[:, 0] if found.shape[1] == 1 else found.transpose(0, 2, 3, 1)

    def matrix(self) -> pd.DataFrame:
        """The leakage matrix as dealt: images of each class (column) in each shard (row)."""
        counts = {name: pd.Series(shard.classes).value_counts() for name, shard in self.shards.items()}
        return pd.DataFrame(counts).T.reindex(columns=self.classes).fillna(0).astype(int).rename_axis("shard")

    def copies(self, image: str) -> pd.DataFrame:
        """One row a shard that was dealt the image: its `role` and `slice` there, and whether it is `retained`.

        Raises BadInput for an id that no model was asked about.
        """
        check_known([image], self.images.index, "id of an image of this run")
        rows = [
            {
                "shard": name,
                "role": role,
                "slice": slice_,
                "retained": image not in self.forget_set.removed.get(name, ()),
            }
            for name, shard in self.shards.items()
            for role, slice_ in zip(shard.roles[shard.ids == image], shard.slices[shard.ids == image], strict=True)
        ]
        return pd.DataFrame(rows, columns=["shard", "role", "slice", "retained"]).set_index("shard")

    def members(self, image: str) -> pd.DataFrame:
        """What each model says of one image: one row a state and model, `answer` and the softmax of each class.

        Raises BadInput for an id that no model was asked about.
        """
        check_known([image], self.images.index, "id of an image of this run")
        which = self.images.loc[image, "set"]
        row = np.flatnonzero(self.asked[which].ids == image)[0]
        said = {
            (state, name): softmax(model.logits[which][row])
            for state, models in self.states.items()
            for name, model in models.items()
        }
        return self._beliefs(np.array([*said.values()]), pd.MultiIndex.from_tuples(said, names=["state", "model"]))

    def answers(self, state: str, aggregation: str | None = None, which: str = HELD_OUT) -> pd.DataFrame:
        """What the models of a state say together of a set of images: `actual`, `answer`, and the belief in each class.

        One row an image, by id. aggregation: that of params.yaml if None. Where the aggregation declines, the answer is
        `undecided` and the beliefs are NaN. Raises BadInput for an unknown state, aggregation or set.
        """
        check_known([which], self.asked, "set of images")
        images, predicted = self.asked[which], self._predictions(state, aggregation)[which]
        believed = predicted.probabilities
        if believed is None:
            believed = np.full((len(images.ids), len(self.classes)), np.nan)
        table = self._beliefs(believed, pd.Index(images.ids, name="id"), predicted.classes)
        table.insert(0, "actual", images.classes)
        return table

    def score(self, state: str, aggregation: str | None = None) -> pd.Series:
        """The measures of a state on held-out images, as in metrics/: shares from 0 to 1 (docs/reference/metrics.md).

        aggregation: that of params.yaml if None. Raises BadInput for an unknown state or aggregation.
        """
        on = scoring.evaluation_set(self.asked, self.classes, self.forget_set)
        measures = scoring.utility(self._predictions(state, aggregation), on)[HELD_OUT]
        of_class = {f"of {name}": share for name, share in measures.pop("class", {}).items()}
        return pd.Series(measures | of_class, name=state, dtype=float)

    def _predictions(self, state: str, aggregation: str | None) -> Predictions:
        check_known([state], self.states, "state")
        models = [*self.states[state].values()]
        if state in BASELINE_STATES:
            if not models:
                raise BadInput(f"{state} has no answers: the request left it no image to train on")
            return scoring.of_model(models[0])
        rule, loss = aggregation or self.params.aggregation, loss_of(self.params.train)
        return {
            which: scoring.aggregated(rule, models, which, (len(images.ids), len(self.classes)), loss)
            for which, images in self.asked.items()
        }

    def _beliefs(self, believed: np.ndarray, index: pd.Index, classes: np.ndarray | None = None) -> pd.DataFrame:
        """Probabilities [n, K] as a table, with the answers [n] int64, which are the most probable classes if None."""
        names = np.array([*self.classes, "undecided"])  # UNDECIDED is -1
        answers = names[believed.argmax(axis=1) if classes is None else classes]
        return pd.DataFrame(believed, index, self.classes).assign(answer=answers)[["answer", *self.classes]]


def load(folder: str | Path = ".") -> Run:
    """The run whose files are in place in this folder, a clone of the repository.

    `make repro`, or `git switch` and `dvc checkout` for a branch of `make scenarios`, puts them there. Raises BadInput,
    saying what to do, where a file is missing or damaged, or where params.yaml asks for another request than was run.
    """
    root = Path(folder)
    params, request = load_params(root / "params.yaml"), forget_set.read(root / paths.FORGET_SET)
    if (params.forget.classes, params.forget.scope) != (request.classes, request.scope):
        raise BadInput(f"{root / paths.FORGET_SET} is not of the request in params.yaml; run dvc repro")
    asked, models = outputs.read(root / paths.LOGITS)
    return Run(
        params=params,
        pool=tables.read(root / paths.POOL, Pool),
        shards=tables.read_shards(root / paths.SHARDS, params.shards),
        forget_set=request,
        asked=asked,
        models=models,
    )


def check_known(names: Collection[str], known: Collection[str], what: str) -> None:
    for name in names:
        if name not in known:
            choice = f"; choose one of {', '.join(known)}" if len(known) < 10 else ""
            raise BadInput(f"{name!r} is no {what}{choice}")
