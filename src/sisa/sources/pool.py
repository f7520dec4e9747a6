"""The pool: the images on the roster that are present."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sisa.base.params import Dataset
from sisa.data.images import NoPicture, Pool, image_id, resize


def gather(listed: pd.DataFrame, pictures: Iterable, dataset: Dataset) -> tuple[Pool, list[str]]:
    """The pool in roster order, and the raw files that show no picture of the roster in its class.

    A picture is told by its pixels, whatever its file is called now; in the pool it has the name of its row.

    listed: one row a picture. pictures: (file, class, [height, width, 3] uint8 or NoPicture), as sources.pictures
    yields them.
    """
    rows = {key: row for row, key in enumerate(zip(listed["class"], listed["id"], strict=True))}
    pixels = np.zeros((len(listed), dataset.channels, dataset.image_size, dataset.image_size), dtype=np.uint8)
    present = np.zeros(len(listed), dtype=bool)
    strangers = []
    for file, name, rgb in pictures:
        row = None if isinstance(rgb, NoPicture) else rows.get((name, image_id(rgb)))
        if row is None:
            strangers.append(file)
        elif not present[row]:
            pixels[row] = resize(rgb, dataset.image_size, dataset.channels)
            present[row] = True
    text = (listed[column].to_numpy(dtype=np.str_) for column in ("id", "class"))
    pool = Pool(*text, pixels=pixels, files=listed["file"].to_numpy(dtype=np.str_))
    return pool.take(present), strangers
