"""Train the conventional model afresh without the forgotten images: the gold standard of forgetting."""

import numpy as np

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Images
from sisa.training.fit import fit


def main() -> None:
    params = load()
    images = tables.read(paths.UNION_RETAINED, Images)
    fit(paths.BASELINE_RETRAINED, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)
