"""What a request removes from a shard."""

import numpy as np

from sisa.images import Shard
from sisa.leakage import DOMINANT


def forgotten_rows(shard: Shard, class_: str | None, scope: str) -> np.ndarray:
    """The rows of a shard that a request covers, as a mask [n] bool.

    A class request at scope `dominant` covers the images in the shard of their own class and leaves the
    copies that leaked into other shards. No class: nothing is forgotten.
    """
    if scope != DOMINANT:
        raise ValueError(f"unknown scope {scope!r}")
    return (shard.classes == (class_ or "")) & (shard.roles == DOMINANT)
