"""A stream of requests, carried out one batch after another on checkpoints that are up to date; in samples, untrained.

Bourtoule et al. 2021 ("Machine Unlearning", IEEE S&P) count requests like this: what is retrained takes the place of
what was there, so that a request pays for the slices from its own image on, and for no request before it.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sisa.cost.predictions import predicted_retraining
from sisa.data.images import Shard


@dataclass(frozen=True)
class Step:
    """One batch: the first slice, from 0, that each affected shard is trained on again, and the samples of that.

    afresh: samples if the same shards resume from the members as first trained, without all that is gone by then; that
    is what the stage `retrain` takes if it runs after this batch.
    """

    first: dict[str, int]
    samples: int
    afresh: int


def steps(
    shards: dict[str, Shard], left: dict[str, np.ndarray], batches: Iterable[Collection[str]], slices: int, epochs: int
) -> Iterator[Step]:
    """What each batch of image ids takes, where every copy in every shard goes; `epochs` are those of a slice.

    shards: as dealt, which the members were first trained on; left: what of each is there before the stream, as a mask
    [n] bool. An image that is not there changes nothing.
    """
    rows = {name: {image: row for row, image in enumerate(shard.ids.tolist())} for name, shard in shards.items()}
    left = {name: mask.copy() for name, mask in left.items()}
    for batch in batches:
        first, samples, afresh = {}, 0, 0
        for name, shard in shards.items():
            gone = np.zeros(len(shard), dtype=bool)
            gone[[rows[name][image] for image in batch if image in rows[name]]] = True
            gone &= left[name]
            if gone.any():
                first[name] = int(shard.slices[gone].min())
                samples += predicted_retraining(shard.slices[left[name]], gone[left[name]], slices, epochs)
                left[name] &= ~gone
                afresh += predicted_retraining(shard.slices, ~left[name], slices, epochs)
        yield Step(first, samples, afresh)
