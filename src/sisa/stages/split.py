"""Deal the pool into shards by the leakage matrix, and hold out a test set."""

from sisa.base import paths
from sisa.base.files import write_csv
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Images, Pool, union
from sisa.sharding.deal import deal, draw_classes
from sisa.sharding.leakage import leakage_matrix, shard_rows
from sisa.sources import roster


def main() -> None:
    params = load()
    pool = tables.read(paths.POOL, Pool)
    draws = draw_classes(roster.read(paths.roster(params.dataset.name)), params)
    matrix = leakage_matrix(params.shards, **params.leakage.model_dump(exclude={"kind"}))
    present = {image: place for place, image in enumerate(pool.ids.tolist())}
    shards = {}
    for name in params.shards:
        common = (params.shards, draws, matrix, params.slices, params.split_seed, params.leakage.kind)
        shards[name] = deal(pool, present, shard_rows(name, *common))
        tables.write(paths.SHARDS / f"{name}.parquet", shards[name])
    tables.write(paths.UNION, union(list(shards.values())))
    held_out = [present[image] for name in params.shards for image in draws[name].test if image in present]
    tables.write(paths.TEST, Images(pool.ids[held_out], pool.classes[held_out], pool.pixels[held_out]))
    # images of each class in each shard, as they are: without the holes
    counts = [(name, other, int((shard.classes == other).sum())) for name, shard in shards.items() for other in shards]
    write_csv(paths.LEAKAGE, [("shard", "class", "images"), *counts])
