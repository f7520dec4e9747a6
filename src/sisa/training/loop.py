"""Train one member on one shard, slice by slice."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sisa.base.params import EXACT, Train
from sisa.training.arithmetic import check_finite
from sisa.training.augment import augment, normalize
from sisa.training.loss import CrossEntropy, log_prior
from sisa.training.networks import WHITENED, build, draw_weights, whiten
from sisa.training.optimizer import Optimizer
from sisa.training.slicing import slice_epochs

AHEAD = 32  # batches that are augmented in one go

LogRow = dict[str, int | float]


class Batch(NamedTuple):
    """What a loss is of: images [b, c, h, w] float32 as they were changed, the network's logits [b, K] float32, labels
    [b] int64, and rows [b] int64, the places of the images among all that are trained on.
    """

    images: Tensor
    logits: Tensor
    labels: Tensor
    rows: Tensor


Loss = Callable[[Batch], Tensor]  # -> the mean over the batch, a number


@dataclass(frozen=True)
class Checkpoint:
    """A member after some slice: everything that training the next slice starts from.

    weights: the network's parameters and buffers; optimizer: its state tensors, keyed `parameter/name`;
    log: one row an epoch since the first slice (slice, epoch, loss, accuracy, samples).
    """

    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    log: list[LogRow]


def device(precision: str) -> torch.device:
    """CUDA where there is one, else Apple's MPS, unless it is to be exact (MPS has no float64), else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() and precision != EXACT else "cpu")


def be_deterministic(threads: int) -> None:
    """The same inputs give the same bits, on the same kind of machine and with as many threads; exactly, on all.

    torch.use_deterministic_algorithms does the same, but imports the compiler: over a second a stage. Filling fresh
    memory is torch's aid for finding bugs, at a few percent of the time.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_deterministic_debug_mode("error")
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.set_num_threads(threads)


def mixed_precision(where: torch.device, precision: str) -> torch.autocast:
    """Compute in bfloat16 where that is asked for and the hardware has it, else in float32; weights stay float32."""
    fit = {
        "cuda": lambda: torch.cuda.is_bf16_supported(including_emulation=False),
        "cpu": lambda: any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")),
    }
    enabled = precision == "bfloat16" and where.type in fit and fit[where.type]()
    return torch.autocast(where.type, dtype=torch.bfloat16, enabled=enabled)


def derived_seed(*parts: str | int) -> int:
    """A 63-bit seed from what names the work, such as (seed, shard, slice), and from nothing that ran before."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "little") >> 1


def batch_count(count: int, size: int) -> int:
    """Batches an epoch: a last one of a single image joins the one before it, because BatchNorm needs two."""
    return max(1, count // size + (count % size > 1))


def batches(count: int, size: int, generator: torch.Generator) -> list[Tensor]:
    """A random order of `count` images, cut into `batch_count` batches of indices [<= size + 1] int64."""
    parts = list(torch.randperm(count, generator=generator).split(size))
    if len(parts) > batch_count(count, size):
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def augmented(pixels: Tensor, recipe: Train, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches of one epoch: images [b, c, h, w] float32, channels last, changed at random; their rows [b] int64.

    Several batches are changed in one go, which costs less than each for itself and keeps a GPU busy.
    """
    order = batches(len(pixels), recipe.batch_size, generator)
    for start in range(0, len(order), AHEAD):
        some = order[start : start + AHEAD]
        which = torch.cat(some).to(pixels.device)
        images = augment(pixels[which], recipe.augment, generator)
        sizes = [len(part) for part in some]
        images = images.contiguous(memory_format=torch.channels_last)
        yield from zip(images.split(sizes), which.split(sizes), strict=True)


def learning_rate_factor(step: int, steps: int, warm_up: float) -> float:
    """Linear from 0 to 1 over the share `warm_up` of the steps, then linear down to 0; a warm-up of 1 is constant."""
    done = (step + 0.5) / steps
    if warm_up == 1:
        return 1.0
    return done / warm_up if done < warm_up else (1 - done) / (1 - warm_up)


def train_member(
    pixels: Tensor,
    labels: Tensor,
    slices: Tensor,
    *,
    slice_count: int,
    classes: int,
    recipe: Train,
    seed: tuple[str | int, ...],
    resume: tuple[int, Checkpoint] | None = None,
    on_epoch: Callable[[LogRow], None] = lambda row: None,
) -> Iterator[tuple[int, Checkpoint]]:
    """Train on slice 1, then on slices 1 and 2, and so on; yield (slice number, checkpoint) after each.

    pixels [n, c, h, w] uint8, labels [n] int64, slices [n] int64 counted from 0. `resume` gives the last
    checkpoint that still holds, with its slice. A slice before which there is no image at all is passed over, so an
    empty shard yields nothing. Bourtoule et al. 2021, section IV-B. Everything used for a slice is a function of
    the slices up to it, `recipe` and `seed`.
    """
    where = device(recipe.precision)
    network = build(recipe, pixels.shape[1], classes)
    draw_weights(network, torch.Generator().manual_seed(derived_seed(*seed, "weights")))
    network.to(where, memory_format=torch.channels_last)
    optimizer = Optimizer(network, recipe.optimizer)
    first, log = 0, []
    if resume:
        first, checkpoint = resume[0] + 1, resume[1]
        network.load_state_dict(checkpoint.weights)
        optimizer.restore(checkpoint.optimizer)
        log = list(checkpoint.log)
    for number in range(first, slice_count):
        seen = slices <= number
        if not seen.any():
            continue
        if not log:
            whiten(network, normalize(pixels[seen][:WHITENED]))
        generator = torch.Generator().manual_seed(derived_seed(*seed, number))
        prior = log_prior(labels[seen], classes, recipe.logit_adjustment).to(where)
        loss = partial(cross_entropy, prior=prior, smoothing=recipe.label_smoothing)
        part = (pixels[seen].to(where), labels[seen].to(where), loss)
        epochs = slice_epochs(recipe.epochs, slice_count)
        for row in train_slice(network, optimizer, *part, recipe, epochs, generator):
            log.append({"slice": number + 1, **row})
            on_epoch(log[-1])
        yield number, Checkpoint(on_cpu(network.state_dict()), on_cpu(optimizer.state), list(log))


def on_cpu(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies that later training steps do not change. Raises BadInput for NaN and infinity."""
    for value in tensors.values():
        check_finite(value)
    return {name: value.detach().cpu().clone() for name, value in tensors.items()}


def cross_entropy(batch: Batch, prior: Tensor, smoothing: float) -> Tensor:
    """The loss of members and of the conventional model; prior: `log_prior` of what they are trained on."""
    return CrossEntropy.apply(batch.logits, prior, batch.labels, smoothing)


def train_slice(
    network: nn.Module,
    optimizer: Optimizer,
    pixels: Tensor,
    labels: Tensor,
    loss_of: Loss,
    recipe: Train,
    epochs: int,
    generator: torch.Generator,
) -> Iterator[LogRow]:
    """The epochs of one slice; yield a log row after each. A sample is one image once through forward and backward."""
    network.train()
    step, steps = 0, epochs * batch_count(len(labels), recipe.batch_size)
    for epoch in range(1, epochs + 1):
        samples, loss_sum, correct = 0, 0.0, 0
        for batch in augmented(pixels, recipe, generator):
            count = len(batch[1])
            # a shard of one image gives batches of one; BatchNorm needs two
            images, rows = batch if count > 1 else [torch.cat([part, part]) for part in batch]
            with mixed_precision(pixels.device, recipe.precision):
                logits = network(images).float()
            targets = labels[rows]
            loss = loss_of(Batch(images, logits, targets, rows))
            network.zero_grad()
            loss.backward()
            optimizer.step(recipe.optimizer.learning_rate * learning_rate_factor(step, steps, recipe.warm_up))
            step += 1
            samples += count
            loss_sum += loss.detach() * count  # stays a tensor: a number each step would wait for the GPU
            correct += (logits.detach().argmax(dim=1) == targets)[:count].sum()
        yield {
            "epoch": epoch,
            "loss": float(loss_sum) / samples,
            "accuracy": float(correct) / samples,
            "samples": samples,
        }
