"""Train the member of one shard."""

import sys

from sisa.common import paths, tables
from sisa.common.images import Shard
from sisa.common.params import load
from sisa.learning.fitting import fit


def main(name: str) -> None:
    params = load()
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    fit(paths.members(params) / name, name, shard, shard.slices, params.slices, params)


if __name__ == "__main__":
    main(sys.argv[1])
