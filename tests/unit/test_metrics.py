"""Accuracies are shares of right answers, and what does not exist is absent."""

import json

import numpy as np
import pytest

from sisa.ensemble import UNDECIDED
from sisa.metrics import accuracies

CLASSES = ["cat", "cow", "dog"]
ACTUAL = np.array([0, 0, 0, 0, 1, 1, 2, 2])


def test_accuracies_are_overall_of_each_class_and_of_the_forgotten_and_the_retained():
    predicted = np.array([0, 1, 2, 2, 1, 1, 2, 0])
    assert accuracies(predicted, ACTUAL, CLASSES, "cat") == {
        "overall": 0.5,
        "forgotten": 0.25,
        "retained": 0.75,
        "class": {"cat": 0.25, "cow": 1.0, "dog": 0.5},
    }


def test_the_retained_classes_are_weighted_by_their_images():
    predicted = np.where(ACTUAL == 0, 0, UNDECIDED)
    assert accuracies(predicted, ACTUAL, CLASSES, "dog")["retained"] == pytest.approx(4 / 6)


def test_nothing_forgotten_has_no_forgotten_class():
    assert accuracies(ACTUAL, ACTUAL, CLASSES, None).keys() == {"overall", "class"}


@pytest.mark.parametrize(("gone", "absent"), [([1], set()), ([0], {"forgotten"}), ([1, 2], {"retained"})])
def test_a_class_without_images_is_absent(gone, absent):
    actual = ACTUAL[~np.isin(ACTUAL, gone)]
    result = accuracies(actual, actual, CLASSES, "cat")
    assert {"overall", "forgotten", "retained", "class"} - result.keys() == absent
    assert result["class"].keys() == {name for number, name in enumerate(CLASSES) if number not in gone}
    assert "NaN" not in json.dumps(result)


def test_an_undecided_answer_is_never_right():
    predicted = np.where(np.arange(8) < 4, UNDECIDED, ACTUAL)
    assert accuracies(predicted, ACTUAL, CLASSES, None)["overall"] == 0.5


def test_no_decided_image_has_no_accuracy():
    assert accuracies(np.full(8, UNDECIDED), ACTUAL, CLASSES, "cat") == {"undecided": 1.0}


def test_no_images_have_no_accuracy():
    assert accuracies(ACTUAL[:0], ACTUAL[:0], CLASSES, "cat") == {}
