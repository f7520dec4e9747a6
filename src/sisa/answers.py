"""What trained models answer, and what the members answer together."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from sisa import checkpoints
from sisa.ensemble import predict
from sisa.images import Images
from sisa.networks import build
from sisa.params import Params
from sisa.training import device, logits_of


@dataclass(frozen=True)
class Answers:
    """What one model says of each set of images, logits [n, K] float64, and how many images of each class it
    was trained on, counts [K] int64.
    """

    logits: dict[str, np.ndarray]
    counts: np.ndarray


def ask(model: Path, sets: dict[str, Images], params: Params) -> Answers | None:
    """The answers of a model's last checkpoint on each set; None for an empty member.

    Raises BadInput when the folder holds no model, or weights of another network.
    """
    last = checkpoints.last_slice(model)
    if last is None:
        return None
    weights, _ = checkpoints.read_tensors(model, last)
    network = build(params.train.network, params.dataset.channels, len(params.shards))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise checkpoints.foreign(checkpoints.slice_file(model, last)) from error
    network.to(device(), memory_format=torch.channels_last)
    logits = {
        name: logits_of(network, torch.from_numpy(images.pixels), params.train.test_flip).double().numpy()
        for name, images in sets.items()
    }
    counts = checkpoints.read_seen(model, last).counts
    return Answers(logits, np.array([counts[name] for name in params.shards]))


def decide(aggregation: str, members: list[Answers], which: str, images: Images, params: Params) -> np.ndarray:
    """The ensemble's class for each image of the set `which`, [n] int64; there may be no member."""
    shape = (len(members), len(images), len(params.shards))
    logits = np.array([member.logits[which] for member in members]).reshape(shape)
    counts = np.array([member.counts for member in members]).reshape(shape[0], shape[2])
    return predict(aggregation, logits, counts, params.train.logit_adjustment)
