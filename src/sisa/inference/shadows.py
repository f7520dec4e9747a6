"""Shadow ensembles: the service as it would be had it been trained on other halves of the pairs of candidates.

The file of a shard's shadow members is one of outputs, with one set, CANDIDATES, and a model for each state and number.
"""

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sisa.base.errors import BadInput
from sisa.base.files import csv_rows
from sisa.inference.outputs import ModelOutputs
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED

CANDIDATES = "candidates"
FOLDER = Path("shadows")  # of the names that shadow members have in a file of outputs
HEADER = ["id", "held", "shadow", "inside", "log_odds"]

Answered = dict[str, dict[Path, ModelOutputs]]  # what the file of each shard holds, in shard order
Ensembles = list[list[ModelOutputs]]  # the members of each, in shard order; an empty member has no outputs


def column(state: str, number: int) -> Path:
    """The name of a shadow member, BEFORE or RETRAINED."""
    return FOLDER / state / str(number)


def by_state(answered: Answered, affected: Collection[str], count: int) -> dict[str, Ensembles]:
    """`count` shadow ensembles in each state, of members as in unlearning.states; affected: shards that lose images."""
    states = {
        BEFORE: dict.fromkeys(answered, BEFORE),
        AFTER: {name: BEFORE for name in answered if name not in affected},
        RETRAINED: {name: RETRAINED if name in affected else BEFORE for name in answered},
    }
    return {
        state: [
            [answered[name][key] for name, of in members.items() if (key := column(of, number)) in answered[name]]
            for number in range(count)
        ]
        for state, members in states.items()
    }


@dataclass(frozen=True)
class ShadowOdds:
    """What N shadow models of a shard answered about 2m candidates: ids and held [2m], inside and log_odds [N, 2m]."""

    ids: np.ndarray
    held: np.ndarray
    inside: np.ndarray
    log_odds: np.ndarray


def read(path: Path) -> ShadowOdds | None:
    """None where there was no candidate or no shadow model. Raises BadInput when the file is missing or not ours."""
    try:
        rows = csv_rows(path.read_text(), HEADER, "an id, three numbers and log-odds")
        if not rows:
            return None
        columns = np.array(rows).reshape(int(rows[-1][2]) + 1, -1, len(HEADER))  # [shadow, candidate, column]
        ids, held, _, inside, odds = np.moveaxis(columns, -1, 0)
        held, inside = (column.astype(int).astype(bool) for column in (held, inside))
        return ShadowOdds(ids[0], held[0], inside, odds.astype(float))
    except (OSError, ValueError, csv.Error) as error:
        raise BadInput(f"{path}: missing or damaged; bring it back: dvc checkout --force {path}") from error
