"""A member of the exactly retrained ensemble: without any copy of a forgotten image, whatever the scope."""

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Shard
from sisa.training.resume import retrain
from sisa.unlearning import forget_set


def main(name: str) -> None:
    params = load()
    shard = tables.read(paths.SHARDS / f"{name}.parquet", Shard)
    exact = shard.take(~shard.among(forget_set.read(paths.FORGET_SET).ids))
    retrain(name, exact, paths.members(params) / name, paths.retrained_exact(params) / name, params)
