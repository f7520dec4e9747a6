"""Shadow ensembles answer in each state with the members that the service would answer with."""

from pathlib import Path

import numpy as np

from sisa.inference import shadows
from sisa.inference.outputs import ModelOutputs
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED


def member(number):
    return ModelOutputs({shadows.CANDIDATES: np.full((2, 3), float(number))}, np.ones(3, dtype=np.int64))


def file(*names):
    return {shadows.column(state, number): member(value) for state, number, value in names}


ANSWERED = {
    "cat": file((BEFORE, 0, 1), (BEFORE, 1, 2), (RETRAINED, 0, 3), (RETRAINED, 1, 4)),
    "dog": file((BEFORE, 0, 5), (BEFORE, 1, 6)),
}


def told(ensembles):
    return [[int(each.logits[shadows.CANDIDATES][0, 0]) for each in members] for members in ensembles]


def test_each_state_is_answered_by_the_shadows_of_the_members_that_answer_in_it():
    found = shadows.by_state(ANSWERED, ["cat"], 2)
    assert {state: told(each) for state, each in found.items()} == {
        BEFORE: [[1, 5], [2, 6]],
        AFTER: [[5], [6]],
        RETRAINED: [[3, 5], [4, 6]],
    }


def test_a_member_that_has_nothing_left_to_train_on_answers_nothing():
    empty = ANSWERED | {"cat": file((BEFORE, 0, 1), (BEFORE, 1, 2))}
    assert told(shadows.by_state(empty, ["cat"], 2)[RETRAINED]) == [[5], [6]]


def test_without_shadow_ensembles_no_state_has_any():
    assert shadows.by_state({"cat": {}, "dog": {}}, ["cat"], 0) == {BEFORE: [], AFTER: [], RETRAINED: []}
    assert shadows.column(BEFORE, 0) == Path("shadows/before/0")
