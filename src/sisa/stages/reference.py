"""A member of the exactly retrained ensemble: without any copy of a forgotten image, whatever the scope."""

import sys

from sisa import forgotten
from sisa.common import paths, tables
from sisa.common.images import Shard
from sisa.common.params import load
from sisa.retraining import retrain
from sisa.unlearning import holds


def main(name: str) -> None:
    params = load()
    request = forgotten.read(paths.FORGOTTEN)
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    exact = shard.take(~holds(shard, request.ids))
    retrain(name, exact, paths.members(params) / name, paths.reference(params) / name, params)


if __name__ == "__main__":
    main(sys.argv[1])
