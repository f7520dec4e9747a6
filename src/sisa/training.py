"""Train one member on one shard, slice by slice."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from sisa.augment import augment, normalize
from sisa.networks import build
from sisa.params import Adam, AdamW, Train
from sisa.slicing import slice_epochs

LogRow = dict[str, int | float]


@dataclass(frozen=True)
class Checkpoint:
    """A member after some slice: everything that training the next slice starts from.

    weights: the network's parameters and buffers; optimizer: its state tensors, keyed `parameter/name`;
    log: one row an epoch since the first slice (slice, epoch, loss, accuracy, samples).
    """

    weights: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    log: list[LogRow]


def device() -> torch.device:
    """CUDA where there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def be_deterministic(threads: int) -> None:
    """The same inputs give the same bits, on the same kind of machine; the thread count is part of that."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(threads)


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


def learning_rate_factor(step: int, steps: int, warm_up: float) -> float:
    """Linear from 0 to 1 over the share `warm_up` of the steps, then linear down to 0; a warm-up of 1 is constant."""
    done = (step + 0.5) / steps
    if warm_up == 1:
        return 1.0
    return done / warm_up if done < warm_up else (1 - done) / (1 - warm_up)


def log_prior(labels: Tensor, classes: int, strength: float) -> Tensor:
    """What logit adjustment adds to the logits in the loss: strength · log of each class's share [classes] float32.

    Menon et al. 2021 ("Long-tail learning via logit adjustment"), equation 10. A class that the shard does not
    hold stays in the loss, unadjusted.
    """
    share = torch.bincount(labels, minlength=classes) / len(labels)
    return strength * torch.where(share > 0, share, 1).log()


def make_optimizer(network: nn.Module, kind: Adam | AdamW) -> torch.optim.Optimizer:
    """Adam, or AdamW with weight decay on kernels and matrices, not on biases and norms."""
    if kind.name == "adam":
        return torch.optim.Adam(network.parameters(), lr=kind.learning_rate)
    groups = [
        {"params": [p for p in network.parameters() if p.ndim > 1], "weight_decay": kind.weight_decay},
        {"params": [p for p in network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=kind.learning_rate, betas=(0.9, kind.beta2))


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{key}/{name}": value for key, values in state.items() for name, value in values.items()}


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for path, value in tensors.items():
        key, name = path.split("/")
        state.setdefault(int(key), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


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
    torch.manual_seed(derived_seed(*seed, "weights"))
    where = device()
    network = build(recipe.network, pixels.shape[1], classes).to(where, memory_format=torch.channels_last)
    optimizer = make_optimizer(network, recipe.optimizer)
    first, log = 0, []
    if resume:
        first, checkpoint = resume[0] + 1, resume[1]
        network.load_state_dict(checkpoint.weights)
        restore_optimizer(optimizer, checkpoint.optimizer)
        log = list(checkpoint.log)
    for number in range(first, slice_count):
        seen = slices <= number
        if not seen.any():
            continue
        generator = torch.Generator().manual_seed(derived_seed(*seed, number))
        prior = log_prior(labels[seen], classes, recipe.logit_adjustment)
        part = (pixels[seen].to(where), labels[seen].to(where), prior.to(where))
        epochs = slice_epochs(recipe.epochs, slice_count)
        for row in train_slice(network, optimizer, *part, recipe, epochs, generator):
            log.append({"slice": number + 1, **row})
            on_epoch(log[-1])
        yield number, Checkpoint(on_cpu(network.state_dict()), on_cpu(optimizer_tensors(optimizer)), list(log))


def on_cpu(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copies that later training steps do not change."""
    return {name: value.detach().cpu().clone() for name, value in tensors.items()}


def train_slice(
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    pixels: Tensor,
    labels: Tensor,
    prior: Tensor,
    recipe: Train,
    epochs: int,
    generator: torch.Generator,
) -> Iterator[LogRow]:
    """The epochs of one slice; yield a log row after each. A sample is one image once through forward and backward."""
    network.train()
    step, steps = 0, epochs * batch_count(len(labels), recipe.batch_size)
    for epoch in range(1, epochs + 1):
        samples, loss_sum, correct = 0, 0.0, 0
        for batch in batches(len(labels), recipe.batch_size, generator):
            for group in optimizer.param_groups:
                group["lr"] = recipe.optimizer.learning_rate * learning_rate_factor(step, steps, recipe.warm_up)
            # a shard of one image gives batches of one; BatchNorm needs two
            which = (batch if len(batch) > 1 else batch.repeat(2)).to(pixels.device)
            images = augment(normalize(pixels[which]), recipe.augment, generator)
            logits = network(images.contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(logits + prior, labels[which], label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            samples += len(batch)
            loss_sum += loss.detach() * len(batch)  # stays a tensor: a number each step would wait for the GPU
            correct += (logits.detach().argmax(dim=1) == labels[which])[: len(batch)].sum()
        yield {
            "epoch": epoch,
            "loss": float(loss_sum) / samples,
            "accuracy": float(correct) / samples,
            "samples": samples,
        }


@torch.no_grad()
def logits_of(network: nn.Module, pixels: Tensor, flip: bool, batch_size: int = 500) -> Tensor:
    """Logits [n, classes] float32 on the CPU; with `flip`, the mean over each image and its mirror image."""
    where = next(network.parameters()).device
    network.eval()
    parts = []
    for batch in pixels.split(batch_size):
        images = normalize(batch.to(where)).contiguous(memory_format=torch.channels_last)
        logits = network(images)
        parts.append(((logits + network(images.flip(3))) / 2 if flip else logits).cpu())
    return torch.cat(parts)
