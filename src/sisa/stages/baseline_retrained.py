"""Train the conventional model afresh without the forgotten images: the gold standard of forgetting."""

import numpy as np

from sisa import paths, tables
from sisa.fitting import fit
from sisa.forgotten import read
from sisa.params import load


def main() -> None:
    params = load()
    images = tables.read_union(paths.RETAINED, params.shards)
    images = images.take(~np.isin(images.ids, read(paths.FORGOTTEN).ids))
    fit(paths.BASELINE_RETRAINED, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)


if __name__ == "__main__":
    main()
