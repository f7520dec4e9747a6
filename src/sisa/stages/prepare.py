"""The images on the roster that are present, decoded once and resized, as data/pool.parquet."""

import pandas as pd
from tqdm import tqdm

from sisa import sources
from sisa.base import paths
from sisa.base.params import Dataset, load
from sisa.base.text import number_of, printable
from sisa.data import tables
from sisa.data.images import Pool
from sisa.sources import roster
from sisa.sources.pool import gather

SHOWN = 10  # files named in a message


def main() -> None:
    params = load()
    dataset = params.dataset
    listed = roster.read(paths.roster(dataset.name))
    listed = listed[listed["class"].isin(params.class_names)].reset_index(drop=True)
    kept = listed[listed["erased"] == roster.KEPT].reset_index(drop=True)
    images = roster.images(kept).reset_index(drop=True)

    pictures = sources.pictures(dataset, paths.raw(dataset.name), params.class_names)
    bar = tqdm(pictures, desc="reading images", total=len(listed), unit=" images", disable=None)
    pool, strangers = gather(images, bar, dataset)

    tables.write(paths.POOL, pool)
    print_holes(roster.images(listed), pool, params.class_names)
    print_strangers(kept, strangers, dataset)


def print_holes(listed: pd.DataFrame, pool: Pool, classes: list[str]) -> None:
    for name in classes:
        known, present = int((listed["class"] == name).sum()), int((pool.classes == name).sum())
        print(f"{name}: {number_of(present, 'image')}, {number_of(known - present, 'hole')}")


def print_strangers(listed: pd.DataFrame, strangers: list[str], dataset: Dataset) -> None:
    """Name the files that were changed in place, and count those that show no picture of the roster."""
    folder, command = paths.raw(dataset.name), sources.make_data(dataset)
    changed = sorted(set(strangers) & set(listed["file"]))
    for file in changed[:SHOWN]:
        name = printable(folder / file)
        print(f"{name} has changed since it came in and is now a hole; `{command}` adds it as a new image")
    if len(changed) > SHOWN:
        print(f"... and {number_of(len(changed) - SHOWN, 'more file')} in {folder} likewise")
    if others := len(strangers) - len(changed):
        files = number_of(others, "raw file")
        print(f"nothing that is on the roster: {files} (`{command}` adds the new, and names the rest)")
