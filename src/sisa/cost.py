"""What training and retraining cost, counted by the training loop and predicted without training.

The unit is the sample: one image once through forward and backward.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Retraining:
    """What is counted of the retraining of one shard: slices kept, images trained on, samples processed."""

    untouched_slices: int
    images: int
    samples: int


def samples(log: list[dict]) -> int:
    """Samples processed over these log rows."""
    return sum(int(row["samples"]) for row in log)


def retraining_samples(log: list[dict], resumed_after: int) -> int:
    """Samples that retraining processed beyond the checkpoint of slice `resumed_after` (0: from scratch)."""
    return samples([row for row in log if row["slice"] > resumed_after])


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


def summed(shards: dict[str, dict]) -> dict:
    """The totals over the shards, with each shard's own beneath."""
    keys = ("images", "samples", "predicted")
    return {key: sum(shard[key] for shard in shards.values()) for key in keys} | {"shard": shards}
