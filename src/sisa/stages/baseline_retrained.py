"""Train the conventional model afresh without the forgotten images: the gold standard of forgetting."""

import numpy as np

from sisa.common import paths, tables
from sisa.common.images import Images
from sisa.common.params import load
from sisa.learning.fitting import fit


def main() -> None:
    params = load()
    images = tables.read(paths.UNION_RETAINED, Images)
    fit(paths.BASELINE_RETRAINED, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)


if __name__ == "__main__":
    main()
