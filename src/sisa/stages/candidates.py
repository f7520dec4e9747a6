"""Pair images of the classes to forget that shards hold with others that none holds, and deal them to ensembles."""

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Images, Pool
from sisa.sharding.candidates import outside, pair_up


def main() -> None:
    params = load()
    classes = params.forget.classes
    shards = tables.read_shards(paths.SHARDS, params.shards)
    test, pool = tables.read(paths.TEST, Images), tables.read(paths.POOL, Pool)
    others = outside(shards, test, pool, classes)
    tables.write(paths.CANDIDATES, pair_up(shards, others, classes, params.attacks.shadows, params.seed))
