"""Train one conventional model on all shards' images, each once."""

import numpy as np

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Images
from sisa.training.fit import fit


def main() -> None:
    params = load()
    images = tables.read(paths.UNION, Images)
    fit(paths.BASELINE_FULL, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)
