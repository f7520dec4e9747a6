"""Shadow models: members like one of ours, of which it is known which images they were trained on."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sisa.base.errors import BadInput
from sisa.base.files import csv_rows, write_csv
from sisa.data.images import Images, Shard

HEADER = ["id", "held", "shadow", "inside", "log_odds"]


@dataclass(frozen=True)
class Candidates:
    """2m images of one class, [2m] ids and pixels: the first m are in the shard, the others are not."""

    ids: np.ndarray
    pixels: np.ndarray
    rows: np.ndarray  # of the first m in the shard, [m] int64

    @property
    def held(self) -> np.ndarray:
        """Whether the shard holds each, [2m] bool."""
        return np.arange(len(self.ids)) < len(self.rows)


@dataclass(frozen=True)
class ShadowOdds:
    """What N shadow models of a shard answered about 2m candidates: ids and held [2m], inside and log_odds [N, 2m]."""

    ids: np.ndarray
    held: np.ndarray
    inside: np.ndarray
    log_odds: np.ndarray


def candidates(shard: Shard, others: Images, class_: str, generator: np.random.Generator) -> Candidates:
    """As many images of the class that the shard holds as of `others` that it does not, drawn at random."""
    rows = np.flatnonzero(shard.classes == class_)
    outside = np.flatnonzero((others.classes == class_) & ~np.isin(others.ids, shard.ids))
    count = min(len(rows), len(outside))
    rows, outside = (np.sort(generator.permutation(each)[:count]) for each in (rows, outside))
    ids = np.concatenate([shard.ids[rows], others.ids[outside]])
    return Candidates(ids, np.concatenate([shard.pixels[rows], others.pixels[outside]]), rows)


def deal(shadows: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Which of 2 · count candidates each shadow model is trained on: [shadows, 2 · count] bool.

    Half of them each; models come in pairs that share none, so that each image is in half of the models.
    """
    inside = np.zeros((shadows, 2 * count), dtype=bool)
    for number in range(0, shadows, 2):
        inside[number, generator.permutation(2 * count)[:count]] = True
        inside[number + 1] = ~inside[number]
    return inside


def shadow_shard(shard: Shard, drawn: Candidates, inside: np.ndarray) -> Shard:
    """The shard with the candidates of `inside` [2m] bool, m of them, in the places of those that it holds."""
    ids, pixels = shard.ids.copy(), shard.pixels.copy()
    ids[drawn.rows], pixels[drawn.rows] = drawn.ids[inside], drawn.pixels[inside]
    return Shard(ids, shard.classes, pixels, shard.roles, shard.slices)


def write(path: Path, asked: ShadowOdds) -> None:
    """One row a candidate and shadow model."""
    rows, ids, held = [tuple(HEADER)], asked.ids.tolist(), asked.held.astype(int).tolist()
    for number, (inside, odds) in enumerate(zip(asked.inside.astype(int), asked.log_odds, strict=True)):
        rows += zip(ids, held, [number] * len(ids), inside.tolist(), odds.tolist(), strict=True)
    write_csv(path, rows)


def read(path: Path) -> ShadowOdds | None:
    """None where there was no candidate or no shadow model. Raises BadInput when the file is missing or not ours."""
    try:
        rows = [*csv_rows(path.read_text(), HEADER, "an id, three numbers and log-odds").values()]
        if not rows:
            return None
        columns = np.array(rows).reshape(int(rows[-1][2]) + 1, -1, len(HEADER))  # [shadow, candidate, column]
        ids, held, _, inside, odds = np.moveaxis(columns, -1, 0)
        held, inside = (column.astype(int).astype(bool) for column in (held, inside))
        return ShadowOdds(ids[0], held[0], inside, odds.astype(float))
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(f"{path}: missing or damaged; bring it back: dvc checkout --force {path}") from error
