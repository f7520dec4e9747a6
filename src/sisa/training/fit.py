"""Train a model into its folder: what the four training stages share."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sisa.base.params import Params
from sisa.data.images import Images
from sisa.training import checkpoints
from sisa.training.checkpoints import Seen
from sisa.training.slicing import slice_digests, slice_epochs


def fit(
    folder: Path,
    name: str,
    images: Images,
    slices: np.ndarray,
    slice_count: int,
    params: Params,
    resume: tuple[Path, int] | None = None,
) -> None:
    """Train on `images`, cut into `slices` [n] int64, and put the checkpoints and the log in place of `folder`.

    name derives the seeds. resume gives the folder of the member as trained and how many of its first slices are
    untouched: their checkpoints are kept and training goes on from the last of them.
    """
    import torch  # a stage that only copies a member must not import torch

    from sisa.training import loop

    loop.be_deterministic(params.threads)
    digests = slice_digests(images, slices, slice_count)
    epochs = slice_epochs(params.train.epochs, slice_count) * slice_count
    with checkpoints.replacing(folder) as scratch, tqdm(total=epochs, desc=name, unit="epoch", disable=None) as bar:
        start = keep_untouched(scratch, *resume) if resume else None
        log = start[1].log if start else []
        bar.update(len(log))
        for number, checkpoint in loop.train_member(
            torch.from_numpy(images.pixels),
            torch.from_numpy(np.searchsorted(params.class_names, images.classes)),
            torch.from_numpy(slices),
            slice_count=slice_count,
            classes=len(params.class_names),
            recipe=params.train,
            seed=(params.seed, name),
            resume=start,
            on_epoch=lambda row: (bar.update(), bar.set_postfix(loss=f"{row['loss']:.3f}")),
        ):
            counts = Counter(images.classes[slices <= number].tolist())
            seen = Seen(digests[: number + 1], {name: counts[name] for name in params.class_names})
            checkpoints.write_checkpoint(scratch, number, checkpoint, seen)
            log = checkpoint.log
        checkpoints.write_log(scratch, log)


def keep_untouched(scratch: Path, member: Path, untouched: int):
    """Copy the checkpoints of the first `untouched` slices; return the last with its slice, None without any."""
    from sisa.training.loop import Checkpoint

    kept = [number for number in range(untouched) if checkpoints.slice_file(member, number).is_file()]
    if not kept:
        return None
    for number in kept:
        shutil.copyfile(checkpoints.slice_file(member, number), checkpoints.slice_file(scratch, number))
    weights, optimizer = checkpoints.read_tensors(member, kept[-1])
    log = [row for row in checkpoints.read_log(member) if row["slice"] <= kept[-1] + 1]
    return kept[-1], Checkpoint(weights, optimizer, log)
