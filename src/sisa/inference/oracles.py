"""Oracles: many services trained from scratch, to know how far apart two are that differ in their seeds alone."""

from pathlib import Path

from sisa.data.images import Shard
from sisa.inference import outputs
from sisa.inference.outputs import Asked, ModelOutputs
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.states import RETRAINED

KINDS = ORACLE, AGAIN, _ = ("oracle", "again", RETRAINED)
Service = dict[str, ModelOutputs]  # the outputs of its members, by shard; an empty member has none


def shards_by_kind(shard: Shard, name: str, forget_set: ForgetSet) -> dict[str, Shard]:
    """What the member of a shard is trained on in a service of each kind.

    `oracle` and `again`: without any copy of a forgotten image. `retrained`: what the request leaves in the shard.
    """
    exact = shard.take(~shard.among(forget_set.ids))
    retained = shard.take(~shard.among(forget_set.removed.get(name, [])))
    return dict(zip(KINDS, (exact, exact, retained), strict=True))


def read(folder: Path, shards: list[str]) -> tuple[dict[str, Asked], dict[str, list[Service]]]:
    """What services of each kind were asked, and what their members answered; nothing, and no service, where there are
    no oracles. Raises BadInput where a table is missing or damaged.
    """
    asked: dict[str, Asked] = {}
    services: dict[tuple[str, str], Service] = {}
    for name in shards:
        asked, models = outputs.read(folder / f"{name}.parquet")
        for model, answers in models.items():
            services.setdefault(model.parts, {})[name] = answers
    return asked, {kind: [each for (of, _), each in services.items() if of == kind] for kind in KINDS}
