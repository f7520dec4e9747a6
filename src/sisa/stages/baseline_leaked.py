"""Train the conventional model on what is retained and on the forgotten images of which a copy survives in a member.

It tells whether what the service still knows is in those copies alone, for one model has nothing else to know it by.
"""

import numpy as np

from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Images
from sisa.training.fit import fit
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import with_survivors


def main() -> None:
    params = load()
    images = with_survivors(tables.read(paths.UNION, Images), forget_set.read(paths.FORGET_SET))
    tables.write(paths.UNION_LEAKED, images)  # by it a scan proves what the model was trained on
    fit(paths.BASELINE_LEAKED, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)
