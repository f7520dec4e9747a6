"""Train the member of one shard."""

import sys

from sisa import paths, tables
from sisa.fitting import fit
from sisa.images import Shard
from sisa.params import load


def main(name: str) -> None:
    params = load()
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    fit(paths.members(params) / name, name, shard, shard.slices, params.slices, params)


if __name__ == "__main__":
    main(sys.argv[1])
