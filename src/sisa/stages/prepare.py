"""The images on the roster that are present, decoded once and resized, as data/pool.parquet."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from tqdm import tqdm

from sisa import sources
from sisa.base import paths
from sisa.base.params import Dataset, load
from sisa.data import tables
from sisa.data.images import Pool, image_id, resize
from sisa.sources import roster

SHOWN = 10  # files named in a message


def main() -> None:
    params = load()
    dataset = params.dataset
    listed = roster.read(paths.roster(dataset.name))
    listed = listed[listed["class"].isin(params.shards)].reset_index(drop=True)
    kept = listed[listed["erased"] == roster.KEPT].reset_index(drop=True)

    pictures = sources.pictures(dataset, paths.raw(dataset.name), params.shards)
    bar = tqdm(pictures, desc="reading images", total=len(listed), unit=" images", disable=None)
    pool, strangers = gather(kept, bar, dataset)

    tables.write(paths.POOL, pool)
    print_holes(listed, pool, params.shards)
    print_strangers(kept, strangers, dataset)


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


def print_holes(listed: pd.DataFrame, pool: Pool, classes: list[str]) -> None:
    for name in classes:
        known, present = int((listed["class"] == name).sum()), int((pool.classes == name).sum())
        print(f"{name}: {present:,} images, {known - present:,} holes")


def print_strangers(listed: pd.DataFrame, strangers: list[str], dataset: Dataset) -> None:
    """Name the files that were changed in place, and count those that are not listed."""
    folder, command = paths.raw(dataset.name), sources.make_data(dataset)
    changed = sorted(set(strangers) & set(listed["file"]))
    for file in changed[:SHOWN]:
        print(f"{folder / file} has changed since it came in and is now a hole; `{command}` adds it as a new image")
    if len(changed) > SHOWN:
        print(f"... and {len(changed) - SHOWN:,} more files in {folder} have changed")
    if others := len(strangers) - len(changed):
        print(f"{others:,} raw files are not on the roster: duplicates, undecodable, or new (`{command}` adds the new)")
