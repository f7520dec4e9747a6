"""Train one conventional model on all shards' images, each once."""

import numpy as np

from sisa.common import paths, tables
from sisa.common.images import Images
from sisa.common.params import load
from sisa.learning.fitting import fit


def main() -> None:
    params = load()
    images = tables.read(paths.UNION, Images)
    fit(paths.BASELINE_FULL, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)


if __name__ == "__main__":
    main()
