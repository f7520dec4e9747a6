"""Train the conventional model afresh without the forgotten images: the gold standard of forgetting."""

import numpy as np

from sisa import paths, tables
from sisa.fitting import fit
from sisa.images import Images
from sisa.params import load


def main() -> None:
    params = load()
    images = tables.read(paths.UNION_RETAINED, Images)
    fit(paths.BASELINE_RETRAINED, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, params)


if __name__ == "__main__":
    main()
