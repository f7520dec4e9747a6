"""What trained models answer."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from sisa.common.images import Images
from sisa.common.params import Params, Train
from sisa.learning import checkpoints
from sisa.learning.augment import normalize
from sisa.learning.networks import build
from sisa.learning.training import device, mixed_precision

BATCH = 250  # images


@dataclass(frozen=True)
class Answers:
    """What one model says of each set of images, logits [n, K] float64, and how many images of each class it
    was trained on, counts [K] int64.
    """

    logits: dict[str, np.ndarray]
    counts: np.ndarray


def ask(
    models: list[Path], sets: dict[str, Images], params: Params, on_batch: Callable[[int], None] = int
) -> dict[Path, Answers]:
    """The answers of each model's last checkpoint on each set, in one pass over its images; an empty member has none.

    `on_batch` is told how many images are done. Raises BadInput when a folder holds no model, or weights of another
    network.
    """
    last = {model: number for model in models if (number := checkpoints.last_slice(model)) is not None}
    networks = [network_of(model, number, params) for model, number in last.items()]
    logits = {
        name: logits_of(networks, torch.from_numpy(images.pixels), params.train, on_batch).double().numpy()
        for name, images in sets.items()
        if networks
    }
    counts = {model: checkpoints.read_seen(model, number).counts for model, number in last.items()}
    return {
        model: Answers(
            {name: answers[place] for name, answers in logits.items()},
            np.array([counts[model][name] for name in params.shards]),
        )
        for place, model in enumerate(last)
    }


def network_of(model: Path, number: int, params: Params) -> nn.Module:
    """The network with the weights of a checkpoint. Raises BadInput like `ask`."""
    weights, _ = checkpoints.read_tensors(model, number)
    network = build(params.train.network, params.dataset.channels, len(params.shards))
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise checkpoints.foreign(checkpoints.slice_file(model, number)) from error
    return network


@torch.no_grad()
def logits_of(
    networks: list[nn.Module], pixels: Tensor, recipe: Train, on_batch: Callable[[int], None] = int
) -> Tensor:
    """Logits [m, n, classes] float32 on the CPU of m networks, in one pass over the images [n, c, h, w] uint8.

    With `recipe.test_flip`, the mean over each image and its mirror image. `on_batch` is told how many images are done.
    """
    where = device()
    for network in networks:
        network.to(where, memory_format=torch.channels_last).eval()
    parts = []
    for batch in pixels.split(BATCH):
        images = normalize(batch.to(where)).contiguous(memory_format=torch.channels_last)
        views = [images, images.flip(3)] if recipe.test_flip else [images]
        with mixed_precision(where, recipe.precision):
            answers = [torch.stack([network(view).float() for view in views]).mean(dim=0) for network in networks]
        parts.append(torch.stack(answers).cpu())
        on_batch(len(batch))
    return torch.cat(parts, dim=1)
