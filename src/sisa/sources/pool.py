"""The pool: the images on the roster that are present."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sisa.base.params import Dataset
from sisa.data.images import Pool, image_id, resize


def gather(listed: pd.DataFrame, pictures: Iterable, dataset: Dataset) -> tuple[Pool, list[str]]:
    """The pool in roster order, and the raw files whose present picture is not on the roster.

    pictures: (file, class, [height, width, 3] uint8 or None), as sources.pictures yields them.
    """
    rows = {key: row for row, key in enumerate(zip(listed["file"], listed["id"], strict=True))}
    pixels = np.zeros((len(listed), dataset.channels, dataset.image_size, dataset.image_size), dtype=np.uint8)
    present = np.zeros(len(listed), dtype=bool)
    strangers = []
    for file, _, rgb in pictures:
        row = None if rgb is None else rows.get((file, image_id(rgb)))
        if row is None:
            strangers.append(file)
        else:
            pixels[row] = resize(rgb, dataset.image_size, dataset.channels)
            present[row] = True
    text = (listed[column].to_numpy(dtype=np.str_) for column in ("id", "class"))
    pool = Pool(*text, pixels=pixels, files=listed["file"].to_numpy(dtype=np.str_))
    return pool.take(present), strangers
