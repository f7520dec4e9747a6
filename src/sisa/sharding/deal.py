"""Deal images into shards: the draw of each class from its roster, and the members of a shard that are present."""

import pandas as pd

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Iid, Params
from sisa.base.text import number_of
from sisa.data.images import Pool, Shard
from sisa.data.variants import in_roles
from sisa.sharding.leakage import Draw, Row, draw, iid_rows, leakage_matrix, shard_rows


def draw_classes(roster: pd.DataFrame, params: Params) -> dict[str, Draw]:
    """Each class's test and dominant ids, from its rows on the roster. Raises BadInput when a class has too few."""
    test, dominant = params.dataset.test_per_class, params.leakage.dominant
    of_class = {
        name: roster.loc[roster["class"] == name, "id"].drop_duplicates().tolist() for name in params.class_names
    }
    try:
        return {name: draw(ids, test, dominant, params.split_seed) for name, ids in of_class.items()}
    except ValueError:
        fewest = min(of_class, key=lambda name: len(of_class[name]))
        raise BadInput(
            f"{paths.roster(params.dataset.name)}: class {fewest} has {number_of(len(of_class[fewest]), 'image')}, but "
            f"leakage.dominant={dominant} and dataset.test_per_class={test} need {test + dominant}; "
            f"lower one of them, or bring in more: make data DATASET={params.dataset.name}"
        ) from None


def membership(draws: dict[str, Draw], params: Params) -> dict[str, list[Row]]:
    """The full membership of each shard, holes included."""
    names, slices, seed = params.shards, params.slices, params.split_seed
    if isinstance(params.sharding, Iid):
        return {name: iid_rows(name, names, draws, slices, seed) for name in names}
    matrix = leakage_matrix(names, **params.leakage.model_dump(exclude={"kind"}))
    common = (names, draws, matrix, slices, seed, params.leakage.kind)
    return {name: shard_rows(name, *common) for name in names}


def deal(pool: Pool, present: dict[str, int], rows: list[Row]) -> Shard:
    """The shard's images that are present, by their places in the pool; nothing moves up to fill the holes.

    A near copy has the pixels of its role.
    """
    rows = [row for row in rows if row.id in present]
    places = [present[row.id] for row in rows]
    roles = pd.Series([row.role for row in rows], dtype=str).to_numpy()
    slices = pd.Series([row.slice for row in rows], dtype="int64").to_numpy()
    return Shard(pool.ids[places], pool.classes[places], in_roles(pool.pixels[places], roles), roles, slices)
