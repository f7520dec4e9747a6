"""Deal images into shards: the draw of each class from its roster, and the members of a shard that are present."""

import pandas as pd

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Params
from sisa.base.text import number_of
from sisa.data.images import Pool, Shard
from sisa.data.variants import in_roles
from sisa.sharding.leakage import Draw, Row, draw


def draw_classes(roster: pd.DataFrame, params: Params) -> dict[str, Draw]:
    """Each class's test and dominant ids, from its rows on the roster. Raises BadInput when a class has too few."""
    test, dominant = params.dataset.test_per_class, params.leakage.dominant
    draws = {}
    for name in params.shards:
        ids = roster.loc[roster["class"] == name, "id"].drop_duplicates().tolist()
        try:
            draws[name] = draw(ids, test, dominant, params.split_seed)
        except ValueError:
            raise BadInput(
                f"{paths.roster(params.dataset.name)}: class {name} has {number_of(len(ids), 'image')}, but "
                f"leakage.dominant={dominant} and dataset.test_per_class={test} need {test + dominant}; "
                f"lower one of them, or bring in more: make data DATASET={params.dataset.name}"
            ) from None
    return draws


def deal(pool: Pool, present: dict[str, int], rows: list[Row]) -> Shard:
    """The shard's images that are present, by their places in the pool; nothing moves up to fill the holes.

    A near copy has the pixels of its role.
    """
    rows = [row for row in rows if row.id in present]
    places = [present[row.id] for row in rows]
    roles = pd.Series([row.role for row in rows], dtype=str).to_numpy()
    slices = pd.Series([row.slice for row in rows], dtype="int64").to_numpy()
    return Shard(pool.ids[places], pool.classes[places], in_roles(pool.pixels[places], roles), roles, slices)
