"""Take the forgotten images out of the shards; a shard that holds none is copied as it is."""

import shutil

import numpy as np

from sisa import forgotten, paths, tables
from sisa.forgotten import Forgotten
from sisa.images import Images, Shard
from sisa.params import load
from sisa.unlearning import forgotten_rows


def main() -> None:
    params = load()
    paths.RETAINED.mkdir(parents=True, exist_ok=True)
    removed = {}
    for name in params.shards:
        source, target = paths.SHARDS / f"{name}.parquet", paths.RETAINED / f"{name}.parquet"
        shard = tables.read(source, Shard)
        gone = forgotten_rows(shard, params.forget.class_, params.forget.scope)
        if gone.any():
            removed[name] = shard.ids[gone].tolist()
            tables.write(target, shard.take(~gone))
        else:
            shutil.copyfile(source, target)
    request = Forgotten(params.forget.class_, params.forget.scope, removed)
    forgotten.write(paths.FORGOTTEN, request)
    together = tables.read(paths.UNION, Images)
    tables.write(paths.UNION_RETAINED, together.take(~np.isin(together.ids, request.ids)))
    print(f"forgotten: {len(request.ids)} images; affected shards: {', '.join(removed) or 'none'}")


if __name__ == "__main__":
    main()
