"""What training and retraining cost, from the counters of the training loop."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Retraining:
    """What is counted of the retraining of one shard: slices kept, images trained on, samples processed."""

    untouched_slices: int
    images: int
    samples: int


def samples(log: list[dict]) -> int:
    """Samples processed over these log rows; a sample is one image once through forward and backward."""
    return sum(int(row["samples"]) for row in log)


def retraining_samples(log: list[dict], resumed_after: int) -> int:
    """Samples that retraining processed beyond the checkpoint of slice `resumed_after` (0: from scratch)."""
    return samples([row for row in log if row["slice"] > resumed_after])


def summed(shards: dict[str, dict]) -> dict:
    """The total images and samples of the shards, with each shard's own beneath."""
    return {key: sum(shard[key] for shard in shards.values()) for key in ("images", "samples")} | {"shard": shards}
