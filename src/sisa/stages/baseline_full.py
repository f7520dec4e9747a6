"""Train one conventional model on all shards' images, each once."""

import numpy as np

from sisa import paths, tables
from sisa.fitting import fit
from sisa.images import Images
from sisa.params import load


def main() -> None:
    params = load()
    images = tables.read(paths.UNION, Images)
    fit(paths.BASELINE_FULL, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)


if __name__ == "__main__":
    main()
