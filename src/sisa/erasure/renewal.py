"""Make the state in the workspace whole without the erased images.

A model that saw one of them cannot stay. Where the request had been met before, the retrained model is already what
training on the remaining images gives, bit for bit: it takes the place of the one that goes, once its shard and its
checkpoints prove it. Everything else must be trained again, and that is said, with its cost, before anything happens.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np

from sisa import sources
from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Dataset, Params
from sisa.cost import budgets
from sisa.cost.predictions import predicted_retraining, predicted_training
from sisa.data import tables
from sisa.data.images import Candidates, Images, Pool, Shard, union
from sisa.erasure import attack_costs
from sisa.repository import lock
from sisa.repository.dvc import dvc_in_sight
from sisa.sharding.candidates import outside, pair_up
from sisa.sources import roster
from sisa.training import checkpoints, provenance
from sisa.training.resume import keep
from sisa.training.slicing import slice_epochs
from sisa.unlearning import forget_set, requests
from sisa.unlearning.forget_set import ForgetSet, covered, forget, with_survivors


@dataclass(frozen=True)
class Renewal:
    """What becomes of the models that saw an erased image.

    adopted: the stages whose model another one replaces, untrained; trained: samples that training each other model
    again takes, by its folder, or by what an attack stage writes.
    """

    adopted: list[str] = field(default_factory=list)
    trained: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Replacement:
    """A model as trained, the one that may take its place, and the images on which each is, or was, to be trained."""

    model: Path
    by: Path
    images: Path
    retained: Path
    kind: type[Images]

    def problems(self, remaining: Images, params: Params) -> Iterator[str]:
        """Why the other model is not what training on the remaining images gives."""
        retained = tables.read(self.retained, self.kind)
        if not same(retained, remaining):
            yield f"{self.retained} is not {self.images} without the erased images"
            return
        cut = slices_of(remaining, params)
        yield from provenance.checkpoint_mismatches(self.by, remaining, *cut, str(self.retained))


def replacements(params: Params) -> dict[str, Replacement]:
    """By the stage that trains the model."""
    found = {}
    for name in params.shards:
        models = paths.members(params) / name, paths.retrained(params) / name
        shards = (folder / f"{name}.parquet" for folder in (paths.SHARDS, paths.RETAINED))
        found[f"train_shards@{name}"] = Replacement(*models, *shards, Shard)
    models, unions = (paths.BASELINE_FULL, paths.BASELINE_RETRAINED), (paths.UNION, paths.UNION_RETAINED)
    return found | {"baseline_full": Replacement(*models, *unions, Images)}


def slices_of(images: Images, params: Params) -> tuple[np.ndarray, int]:
    """The slice of each image [n] int64 that a model trains on, and how many there are: one, of the conventional."""
    return (images.slices, params.slices) if isinstance(images, Shard) else (np.zeros(len(images), dtype=np.int64), 1)


def trained_on(params: Params) -> tuple[dict[Path, set[str]], list[str]]:
    """The ids of the images that each model was trained on, by its own record; and a line for each model of which this
    is not known, because its record is of other images than those in place. Raises BadInput where one is missing.
    """
    seen, doubts = {}, []
    for each in replacements(params).values():
        for model, source in ((each.model, each.images), (each.by, each.retained)):
            images = tables.read(source, each.kind)
            cut = slices_of(images, params)
            if wrong := next(provenance.checkpoint_mismatches(model, images, *cut, str(source)), None):
                doubts.append(f"{wrong}; run dvc repro")
            else:
                seen[model] = set(images.ids.tolist())
    return seen, doubts


def plan(ids: Collection[str], params: Params) -> Renewal:
    """What it takes to have no model left that saw one of these images; nothing is changed.

    Raises BadInput where a shard or model is missing or damaged.
    """
    touched = {
        stage: (replacement, before.take(~before.among(ids)))
        for stage, replacement in replacements(params).items()
        if (before := tables.read(replacement.images, replacement.kind)).among(ids).any()
    }
    adopted = [stage for stage, (each, remaining) in touched.items() if not any(each.problems(remaining, params))]
    again = [each for stage, each in touched.items() if stage not in adopted]
    trained = {str(each.model): training_samples(images, params) for each, images in again}
    shards = tables.read_shards(paths.SHARDS, params.shards)
    left = {name: shard.take(~shard.among(ids)) for name, shard in shards.items()}
    changed = [name for name in shards if len(left[name]) < len(shards[name])]
    request = forget_set_without(ids, left, params)
    trained |= retraining(changed, left, request, ids, params)
    if params.attacks.shards:
        trained |= attacking(changed, left, request, ids, params)
    if params.unlearner.of and (changed or request != forget_set.read(paths.FORGET_SET)):
        prices = budgets.prices(left, union([*left.values()]), request, params)
        trained[str(paths.approximations(params))] = sum(each.budget for each in prices.values())
    return Renewal(adopted, {model: samples for model, samples in trained.items() if samples})


def training_samples(images: Images, params: Params) -> int:
    slices, count = slices_of(images, params)
    return predicted_training(slices, count, slice_epochs(params.train.epochs, count))


def retraining(
    changed: list[str], left: dict[str, Shard], request: ForgetSet, ids: Collection[str], params: Params
) -> dict[str, int]:
    """Samples that the models after the request take, where the request still removes images from what remains."""
    epochs, samples = slice_epochs(params.train.epochs, params.slices), {}
    for name in changed:
        gone = covered(left[name], request.classes, request.scope, request.images, request.near)
        taken = predicted_retraining(left[name].slices, gone, params.slices, epochs)
        samples[str(paths.retrained(params) / name)] = taken
    together = tables.read(paths.UNION, Images)
    together = together.take(~together.among([*ids, *request.ids]))
    if not same(together, tables.read(paths.UNION_RETAINED, Images)):
        samples[str(paths.BASELINE_RETRAINED)] = training_samples(together, params)
    return samples


def attacking(
    changed: list[str], left: dict[str, Shard], request: ForgetSet, ids: Collection[str], params: Params
) -> dict[str, int]:
    """Samples that the attack stages take which run again without these images, by what each writes."""
    test, pool = tables.read(paths.TEST, Images), tables.read(paths.POOL, Pool)
    again = changed if request == forget_set.read(paths.FORGET_SET) else list(left)
    exact, shadows = paths.retrained_exact(params), paths.shadows(params)
    together = union([*left.values()])
    samples = {str(exact / name): attack_costs.retrained_exact(left[name], request, params) for name in again}
    others = outside(left, *(each.take(~each.among(ids)) for each in (test, pool)), request.classes)
    dealt = pair_up(left, others, request.classes, params.attacks.shadows, params.seed)
    for name in again if same(dealt, tables.read(paths.CANDIDATES, Candidates)) else left:
        gone = request.removed.get(name, [])
        samples[f"{shadows / name}.parquet"] = attack_costs.shadows(left[name], gone, dealt, params)
    if changed:
        samples[str(paths.BASELINE_LEAKED)] = training_samples(with_survivors(together, request), params)
    if changed or test.among(ids).any():
        costs = {name: attack_costs.oracles(name, shard, request, params) for name, shard in left.items()}
        samples |= {f"{paths.oracles(params) / name}.parquet": cost for name, cost in costs.items()}
    return samples


def forget_set_without(ids: Collection[str], left: dict[str, Shard], params: Params) -> ForgetSet:
    """What the request comes to when these images are erased and the shards are as `left`."""
    dataset = params.dataset.name
    listed = roster.mark(roster.read(paths.roster(dataset)), ids, "erased")
    named = requests.resolve(paths.REQUESTS, dataset, paths.datasets(), listed)
    return forget(left, params.forget.classes, params.forget.scope, requests.due(named), params.forget.near)[1]


def same(one: Images, other: Images) -> bool:
    """Whether they are the same images, in the same order, in every column."""
    return all(np.array_equal(getattr(one, each.name), getattr(other, each.name)) for each in fields(one))


def erase_raw(ids: Collection[str], date: str, dataset: Dataset) -> list[str]:
    """Mark the images on the roster, take them out of the raw folder, and have DVC track what is left of it."""
    file, folder = paths.roster(dataset.name), paths.raw(dataset.name)
    roster.write(file, roster.mark(roster.read(file), ids, date))
    erased = sources.erase(dataset, folder, ids)
    dvc_in_sight("add", str(folder))
    return erased


def renew(adopted: list[str], params: Params) -> None:
    """Run what the erased images leave to run; adopted: as in Renewal. Safe to repeat after an interruption.

    Raises BadInput where a stage fails, or where a model turns out not to be what it was taken for.
    """
    dvc_in_sight("repro", "--no-run-cache", "split")
    adopt(adopted, params)
    dvc_in_sight("repro")


def adopt(stages: list[str], params: Params) -> None:
    """Put each stage's proven model in the other one's place, and tell DVC. Raises BadInput where the proof fails."""
    due = list(disagreements(stages))  # the rest was adopted before an interruption
    for stage in due:
        put_in_place(replacements(params)[stage], params)
    if due:
        dvc_in_sight("commit", "--force", *due)
    for problem in disagreements(due).values():
        raise BadInput(f"{problem}; after dvc commit {' '.join(due)}")


def put_in_place(replacement: Replacement, params: Params) -> None:
    model, by, images, retained = replacement.model, replacement.by, replacement.images, replacement.retained
    if images.read_bytes() != retained.read_bytes():
        raise BadInput(f"{images} and {retained} differ, so {model} must be trained")
    for problem in replacement.problems(tables.read(images, replacement.kind), params):
        raise BadInput(f"{problem}; so {model} must be trained")
    keep(by, model)
    if checkpoints.fingerprints(model) != checkpoints.fingerprints(by):
        raise BadInput(f"{model}: not the bytes of {by} that were copied there; repeat")


def disagreements(stages: list[str]) -> dict[str, str]:
    """The first problem of each of these stages whose entry in dvc.lock, declaration and files do not agree."""
    entries, declared = lock.read(), lock.declared()
    found = {stage: next(lock.problems(entries, declared, stage), None) for stage in stages}
    return {stage: problem for stage, problem in found.items() if problem}
