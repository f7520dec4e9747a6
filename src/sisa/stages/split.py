"""Deal the pool into shards by the leakage matrix, and hold out a test set."""

import pandas as pd

from sisa import roster
from sisa.common import files, paths, tables
from sisa.common.errors import BadInput
from sisa.common.images import Images, Pool, Shard, union
from sisa.common.params import Params, load
from sisa.leakage import Draw, draw, leakage_matrix, shard_rows


def main() -> None:
    params = load()
    pool = tables.read(paths.POOL, Pool)
    draws = draw_classes(params)
    matrix = leakage_matrix(params.shards, **params.leakage.model_dump())
    present = {image: place for place, image in enumerate(pool.ids.tolist())}
    shards = {}
    for name in params.shards:
        rows = shard_rows(name, params.shards, draws, matrix, params.slices, params.split_seed)
        shards[name] = deal(pool, present, rows)
        tables.write(paths.SHARDS / f"{name}.parquet", shards[name])
    tables.write(paths.UNION, union(list(shards.values())))
    held_out = [present[image] for name in params.shards for image in draws[name].test if image in present]
    tables.write(paths.TEST, Images(pool.ids[held_out], pool.classes[held_out], pool.pixels[held_out]))
    write_leakage(shards)


def draw_classes(params: Params) -> dict[str, Draw]:
    """Each class's test and dominant ids, from its rows on the roster. Raises BadInput when a class has too few."""
    rows = roster.read(paths.roster(params.dataset.name))
    test, dominant = params.dataset.test_per_class, params.leakage.dominant
    draws = {}
    for name in params.shards:
        ids = rows.loc[rows["class"] == name, "id"].drop_duplicates().tolist()
        try:
            draws[name] = draw(ids, test, dominant, params.split_seed)
        except ValueError:
            raise BadInput(
                f"{paths.roster(params.dataset.name)}: class {name} has {len(ids)} images, but "
                f"leakage.dominant={dominant} and dataset.test_per_class={test} need {test + dominant}; "
                f"lower one of them, or bring in more: make data DATASET={params.dataset.name}"
            ) from None
    return draws


def deal(pool: Pool, present: dict[str, int], rows: list) -> Shard:
    """The shard's images that are present; a missing one is a hole, and nothing moves up to fill it."""
    rows = [row for row in rows if row.id in present]
    places = [present[row.id] for row in rows]
    roles = pd.Series([row.role for row in rows], dtype=str).to_numpy()
    slices = pd.Series([row.slice for row in rows], dtype="int64").to_numpy()
    return Shard(pool.ids[places], pool.classes[places], pool.pixels[places], roles, slices)


def write_leakage(shards: dict[str, Shard]) -> None:
    """Images of each class in each shard, as they are: 800 on the diagonal less the holes."""
    counts = [
        {"shard": name, "class": other, "images": int((shard.classes == other).sum())}
        for name, shard in shards.items()
        for other in shards
    ]
    with files.beside(paths.LEAKAGE) as part:
        pd.DataFrame(counts).to_csv(part, index=False)


if __name__ == "__main__":
    main()
