"""Take what is to be forgotten out of the shards; a shard that loses nothing is copied as it is."""

import shutil

from sisa.base import paths
from sisa.base.params import Params, load
from sisa.base.text import number_of
from sisa.data import tables
from sisa.data.images import Images, Shard
from sisa.sources import roster
from sisa.unlearning import forget_set, requests
from sisa.unlearning.forget_set import ForgetSet, forget
from sisa.unlearning.requests import Named


def main() -> None:
    params = load()
    dataset = params.dataset.name
    named = requests.resolve(paths.REQUESTS, dataset, paths.datasets(), roster.read(paths.roster(dataset)))
    shards = tables.read_shards(paths.SHARDS, params.shards)

    request = params.forget
    retained, to_forget = forget(shards, request.classes, request.scope, requests.due(named), request.near)
    for name in params.shards:
        target = paths.RETAINED / f"{name}.parquet"
        if name in to_forget.affected:
            tables.write(target, retained[name])
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths.SHARDS / f"{name}.parquet", target)
    forget_set.write(paths.FORGET_SET, to_forget)
    together = tables.read(paths.UNION, Images)
    tables.write(paths.UNION_RETAINED, together.take(~together.among(to_forget.ids)))

    print_notices(named, shards, params)
    print_outcome(to_forget)


def print_notices(named: list[Named], shards: dict[str, Shard], params: Params) -> None:
    """Say which requested images change nothing."""
    request = params.forget
    without_class, _ = forget(shards, request.classes, request.scope, [], request.near)
    copies, left = (
        {image for shard in each.values() for image in shard.ids[request.near | ~shard.near]}
        for each in (shards, without_class)
    )
    held_out = set(tables.read(paths.TEST, Images).ids)
    for line in requests.notices(paths.REQUESTS, named, copies, left, held_out):
        print(line)


def print_outcome(to_forget: ForgetSet) -> None:
    affected = ", ".join(to_forget.affected) or "none"
    print(f"to forget: {number_of(len(to_forget.ids), 'image')}; affected shards: {affected}")
    if residual := {name: len(ids) for name, ids in to_forget.residual.items()}:
        where = ", ".join(f"{name} {count}" for name, count in residual.items())
        _, near = to_forget.copies(to_forget.residual)
        of_them = f", near copies among them: {near:,}" if near else ""
        print(f"residual copies, which scope {to_forget.scope} leaves: {sum(residual.values()):,} ({where}){of_them}")
