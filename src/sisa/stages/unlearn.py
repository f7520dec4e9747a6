"""Take the forgotten images out of the shards; a shard that holds none is copied as it is."""

import shutil

import numpy as np

from sisa import forgotten, requests, roster
from sisa.common import paths, tables
from sisa.common.images import Images, Shard
from sisa.common.params import Params, load
from sisa.forgotten import Forgotten
from sisa.requests import Named
from sisa.unlearning import forgotten_rows, holds


def main() -> None:
    params = load()
    dataset = params.dataset.name
    named = requests.resolve(paths.REQUESTS, dataset, paths.datasets(), roster.read(paths.roster(dataset)))
    shards = {name: tables.read(paths.SHARDS / f"{name}.parquet", Shard) for name in params.shards}

    retained, request = forget(shards, named, params)
    for name in params.shards:
        target = paths.RETAINED / f"{name}.parquet"
        if name in request.affected:
            tables.write(target, retained[name])
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths.SHARDS / f"{name}.parquet", target)
    forgotten.write(paths.FORGOTTEN, request)
    together = tables.read(paths.UNION, Images)
    tables.write(paths.UNION_RETAINED, together.take(~np.isin(together.ids, request.ids)))

    print_notices(named, shards, params)
    print_outcome(request, retained)


def forget(shards: dict[str, Shard], named: list[Named], params: Params) -> tuple[dict[str, Shard], Forgotten]:
    """What is retained of each shard, and the record of what was removed."""
    images = sorted({each.id for each in named if not each.erased})
    gone = {
        name: forgotten_rows(shard, params.forget.class_, params.forget.scope, images) for name, shard in shards.items()
    }
    removed = {name: shard.ids[gone[name]].tolist() for name, shard in shards.items() if gone[name].any()}
    retained = {name: shard.take(~gone[name]) for name, shard in shards.items()}
    return retained, Forgotten(params.forget.class_, params.forget.scope, images, removed)


def print_notices(named: list[Named], shards: dict[str, Shard], params: Params) -> None:
    """Say which requested images change nothing."""
    without_class, _ = forget(shards, [], params)
    copies, left = ({image for shard in each.values() for image in shard.ids} for each in (shards, without_class))
    held_out = set(tables.read(paths.TEST, Images).ids)
    for line in requests.notices(paths.REQUESTS, named, copies, left, held_out):
        print(line)


def print_outcome(request: Forgotten, retained: dict[str, Shard]) -> None:
    residual = {name: int(holds(shard, request.ids).sum()) for name, shard in retained.items()}
    print(f"forgotten: {len(request.ids):,} images; affected shards: {', '.join(request.affected) or 'none'}")
    if sum(residual.values()):
        where = ", ".join(f"{name} {count}" for name, count in residual.items() if count)
        print(f"residual copies, which scope {request.scope} leaves: {sum(residual.values()):,} ({where})")


if __name__ == "__main__":
    main()
