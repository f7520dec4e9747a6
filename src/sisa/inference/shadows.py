"""Shadow ensembles: the service as it would be had it been trained on other halves of the pairs of candidates.

The file of a shard's shadow members is one of outputs, with one set, CANDIDATES, and a model for each state and number.
"""

from collections.abc import Collection
from pathlib import Path

from sisa.inference.outputs import ModelOutputs
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED

CANDIDATES = "candidates"
FOLDER = Path("shadows")  # of the names that shadow members have in a file of outputs

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
