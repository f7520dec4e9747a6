"""What training and retraining cost, predicted without training.

The unit is the sample: one image once through forward and backward.
"""

import numpy as np


def predicted_training(slices: np.ndarray, slice_count: int, epochs: int, untouched: int = 0) -> int:
    """Samples of training on images cut into slices [n] int64, from the slice after the first `untouched` on.

    Each slice takes `epochs` epochs (slicing.slice_epochs) over the images of the slices up to it.
    """
    up_to = np.bincount(slices, minlength=slice_count).cumsum()
    return int(epochs * up_to[untouched:].sum())


def predicted_retraining(slices: np.ndarray, gone: np.ndarray, slice_count: int, epochs: int) -> int:
    """Samples of retraining a shard without the rows `gone` [n] bool, from the first slice that loses one.

    Under a leakage matrix the cost of a request is the sum of this over the shards; with one slice that is
    epochs · (what is retained of the affected shards).
    """
    if not gone.any():
        return 0
    return predicted_training(slices[~gone], slice_count, epochs, untouched=int(slices[gone].min()))
