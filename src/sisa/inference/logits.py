"""The logits of trained models."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from sisa.base import paths
from sisa.base.params import Params, Train
from sisa.data import tables
from sisa.data.images import Images, Pool, Shard, one_of
from sisa.inference import outputs
from sisa.inference.outputs import HELD_OUT, TRAINING, UNUSED, ModelOutputs
from sisa.training import checkpoints, loop
from sisa.training.arithmetic import check_finite
from sisa.training.augment import normalize
from sisa.training.loop import be_deterministic, device, mixed_precision
from sisa.training.networks import build

BATCH = 50  # images


def evaluation_images(test: Images, union: Images, pool: Pool, classes: tuple[str, ...]) -> dict[str, Images]:
    """The sets of images that models are evaluated and attacked on; classes: those to forget."""
    unused = pool.take(one_of(pool.classes, classes) & ~pool.among([*test.ids, *union.ids]))
    return {HELD_OUT: test, TRAINING: union, UNUSED: Images(unused.ids, unused.classes, unused.pixels)}


def answer(models: list[Path], params: Params, target: Path) -> None:
    """Ask models once about the images that all are evaluated and attacked on, and write the logits to `target`."""
    be_deterministic(params.threads)
    test, union = tables.read(paths.TEST, Images), tables.read(paths.UNION, Images)
    sets = evaluation_images(test, union, tables.read(paths.POOL, Pool), params.forget.classes)
    with tqdm(total=sum(map(len, sets.values())), desc="predicting", unit=" images", disable=None) as bar:
        outputs.write(target, sets, predict_logits(models, sets, params, bar.update))


def predict_logits(
    models: list[Path], sets: dict[str, Images], params: Params, on_batch: Callable[[int], None] = int
) -> dict[Path, ModelOutputs]:
    """The outputs of each model's last checkpoint on each set, in one pass over its images; an empty member has none.

    Copies of one model are asked once. `on_batch` is told how many images are done. Raises BadInput when a folder holds
    no model, or weights of another network.
    """
    last = {model: number for model in models if (number := checkpoints.last_slice(model)) is not None}
    weights = {model: checkpoints.fingerprint(model) for model in last}
    different = {weights[model]: model for model in last}
    networks = [network_of(model, last[model], params) for model in different.values()]
    logits = {
        name: logits_of(networks, torch.from_numpy(images.pixels), params.train, on_batch).double().numpy()
        for name, images in sets.items()
        if networks
    }
    place = {weight: number for number, weight in enumerate(different)}
    return {
        model: ModelOutputs(
            {name: each[place[weights[model]]] for name, each in logits.items()},
            np.array([checkpoints.read_seen(model, number).counts[name] for name in params.class_names]),
        )
        for model, number in last.items()
    }


def outputs_of_another(
    shard: Shard, sets: dict[str, Images], params: Params, seed: tuple[str | int, ...]
) -> ModelOutputs | None:
    """What a member that is trained on the shard and not kept answers about each set; None for an empty shard."""
    if not len(shard):
        return None
    *_, (_, checkpoint) = loop.train_member(
        torch.from_numpy(shard.pixels),
        torch.from_numpy(np.searchsorted(params.class_names, shard.classes)),
        torch.from_numpy(shard.slices),
        slice_count=params.slices,
        classes=len(params.class_names),
        recipe=params.train,
        seed=seed,
    )
    network = build(params.train, params.dataset.channels, len(params.class_names))
    network.load_state_dict(checkpoint.weights)
    logits = {
        name: logits_of([network], torch.from_numpy(images.pixels), params.train)[0].double().numpy()
        for name, images in sets.items()
    }
    return ModelOutputs(logits, np.array([(shard.classes == name).sum() for name in params.class_names]))


def network_of(model: Path, number: int, params: Params) -> nn.Module:
    """The network with the weights of a checkpoint. Raises BadInput like `predict_logits`."""
    weights, _ = checkpoints.read_tensors(model, number)
    network = build(params.train, params.dataset.channels, len(params.class_names))
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
    Raises BadInput for weights that give NaN or infinity.
    """
    where = device(recipe.precision)
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
    logits = torch.cat(parts, dim=1)
    check_finite(logits)
    return logits
