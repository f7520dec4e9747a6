"""What a request removes from a shard, and what it leaves."""

from collections.abc import Collection

import numpy as np

from sisa.common.images import Shard
from sisa.leakage import DOMINANT

ALL = "all"


def forgotten_rows(shard: Shard, class_: str | None, scope: str, ids: Collection[str]) -> np.ndarray:
    """The rows of a shard that a request covers, as a mask [n] bool: the union of its class and of its image ids.

    At scope `dominant` the class is forgotten in the shard of that class, and the copies that leaked into other
    shards survive; at scope `all` it is forgotten in every shard. An image is forgotten in every shard at either
    scope. No class (None): only the images. Raises ValueError for another scope.
    """
    if scope not in (DOMINANT, ALL):
        raise ValueError(f"unknown scope {scope!r}")
    of_class = shard.classes == (class_ or "")
    if scope == DOMINANT:
        of_class &= shard.roles == DOMINANT
    return of_class | holds(shard, ids)


def holds(shard: Shard, ids: Collection[str]) -> np.ndarray:
    """Which rows of a shard are copies of these images, as a mask [n] bool; of a retained one the residual copies."""
    return np.isin(shard.ids, np.array(list(ids), dtype=np.str_))
