"""What an attack says of images: a score for each, higher for those that look trained on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sisa.base.errors import BadInput
from sisa.base.files import beside

Place = tuple[str, str, str, str]  # attack, target, aggregation ("" of one model), and origin of the images
PLACE = ["attack", "target", "aggregation", "origin"]
NAMED = 16  # characters of an image's id, which tell it from all others


@dataclass(frozen=True)
class Scores:
    """Scores ins [m] of images that were trained on and outs [n] float64 of images that were not, neither empty;
    in_images [m] and out_images [n] str are their ids. An image may have several scores, but is on one side only, or on
    both where it was trained on by one target and not by another (canaries).
    """

    ins: np.ndarray
    outs: np.ndarray
    in_images: np.ndarray
    out_images: np.ndarray


def write(path: Path, found: dict[Place, Scores]) -> None:
    """One row a score, as float32; the same scores give the same bytes."""
    parts = [part for place, scores in found.items() for part in sides(place, scores)]
    columns = {**dict.fromkeys(PLACE, "category"), "image": "category", "inside": bool, "score": np.float32}
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*columns])
    with beside(path) as part:
        table.astype(columns).to_parquet(part, compression="zstd", index=False)


def sides(place: Place, scores: Scores) -> list[pd.DataFrame]:
    where = dict(zip(PLACE, place, strict=True))
    both = ((True, scores.in_images, scores.ins), (False, scores.out_images, scores.outs))
    return [
        pd.DataFrame({**where, "image": [image[:NAMED] for image in images], "inside": inside, "score": each})
        for inside, images, each in both
    ]


def read(content) -> dict[Place, Scores]:
    """From a file, or from an open one. Raises BadInput where it is missing or damaged."""
    try:
        table = pd.read_parquet(content)
        groups = table.groupby(PLACE, observed=True, sort=False)
        return {place: of_rows(rows) for place, rows in groups}
    except (OSError, ValueError, KeyError) as error:
        raise BadInput("metrics/scores.parquet: missing or damaged; bring it back: dvc repro") from error


def of_rows(rows: pd.DataFrame) -> Scores:
    inside = rows["inside"].to_numpy()
    images, scores = rows["image"].to_numpy(dtype=str), rows["score"].to_numpy(dtype=float)
    return Scores(scores[inside], scores[~inside], images[inside], images[~inside])
