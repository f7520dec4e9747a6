"""What a trained model says of the images that it saw, against the images that it should have seen."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sisa.data.images import Images
from sisa.training import checkpoints
from sisa.training.slicing import slice_digests


def checkpoint_mismatches(model: Path, images: Images, slices: np.ndarray, count: int, source: str) -> Iterator[str]:
    """One line for each checkpoint that says that it saw other images than these, cut into `count` slices [n] int64.

    None means that each of the checkpoints that training would leave is there, and no other, and that each was trained
    on exactly these images: their ids, classes, pixels and order. `source` is what the lines call the images.
    Raises BadInput where there is no model, or a damaged one.
    """
    checkpoints.last_slice(model)
    digests = slice_digests(images, slices, count)
    with_images = [number for number in range(count) if (slices <= number).any()]
    files = {checkpoints.slice_file(model, number): digests[: number + 1] for number in with_images}
    if strange := sorted(set(model.glob("*.safetensors")) ^ set(files)):
        yield f"{model}: {source} does not account for {', '.join(path.name for path in strange)}"
    for number, (path, seen) in zip(with_images, files.items(), strict=True):
        if path.is_file() and checkpoints.read_seen(model, number).digests != seen:
            yield f"{path}: trained on other images than those of {source}"
