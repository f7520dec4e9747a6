"""Train the member of one shard."""

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Shard
from sisa.training.fit import fit


def main(name: str) -> None:
    params = load()
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    fit(paths.members(params) / name, name, shard, shard.slices, params.slices, params)
