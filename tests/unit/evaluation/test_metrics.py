"""Accuracies are shares of right answers, and what does not exist is absent."""

import json

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from sisa.evaluation.aggregation import UNDECIDED
from sisa.evaluation.metrics import accuracies, calibration_error, distance, gaps, recognition, unlearning_accuracies

CLASSES = ["cat", "cow", "dog"]
ACTUAL = np.array([0, 0, 0, 0, 1, 1, 2, 2])
CAT, NONE = np.array([0]), np.array([], dtype=int)


def test_accuracies_are_overall_of_each_class_and_of_the_forgotten_and_the_retained():
    predicted = np.array([0, 1, 2, 2, 1, 1, 2, 0])
    assert accuracies(predicted, ACTUAL, CLASSES, CAT) == {
        "overall": 0.5,
        "forgotten": 0.25,
        "retained": 0.75,
        "macro_recall": pytest.approx(1.75 / 3),
        "class": {"cat": 0.25, "cow": 1.0, "dog": 0.5},
    }


def test_the_retained_classes_are_weighted_by_their_images():
    predicted = np.where(ACTUAL == 0, 0, UNDECIDED)
    assert accuracies(predicted, ACTUAL, CLASSES, np.array([2]))["retained"] == pytest.approx(4 / 6)


def test_nothing_forgotten_has_no_forgotten_class():
    assert accuracies(ACTUAL, ACTUAL, CLASSES, NONE).keys() == {"overall", "macro_recall", "class"}


@pytest.mark.parametrize(("gone", "absent"), [([1], set()), ([0], {"forgotten"}), ([1, 2], {"retained"})])
def test_a_class_without_images_is_absent(gone, absent):
    actual = ACTUAL[~np.isin(ACTUAL, gone)]
    result = accuracies(actual, actual, CLASSES, CAT)
    assert {"overall", "forgotten", "retained", "class"} - result.keys() == absent
    assert result["class"].keys() == {name for number, name in enumerate(CLASSES) if number not in gone}
    assert "NaN" not in json.dumps(result)


def test_an_undecided_answer_is_never_right():
    predicted = np.where(np.arange(8) < 4, UNDECIDED, ACTUAL)
    assert accuracies(predicted, ACTUAL, CLASSES, NONE)["overall"] == 0.5


def test_no_decided_image_has_no_accuracy():
    assert accuracies(np.full(8, UNDECIDED), ACTUAL, CLASSES, CAT) == {"undecided": 1.0}


def test_no_images_have_no_accuracy():
    assert accuracies(ACTUAL[:0], ACTUAL[:0], CLASSES, CAT) == {}


def test_calibration_error_is_the_gap_of_each_bin_weighted_by_its_images():
    actual, likely = np.array([0, 1, 0, 1]), np.array([0.9, 0.9, 0.55, 0.45])
    probabilities = np.stack([likely, 1 - likely], axis=1)  # bin 13: half right at 0.9; bin 8: all right at 0.55
    assert calibration_error(probabilities, actual) == pytest.approx((2 * 0.4 + 2 * 0.45) / 4)


def test_certainty_that_is_always_right_is_calibrated():
    assert calibration_error(np.eye(3)[ACTUAL], ACTUAL) == 0


def test_recall_is_told_with_the_others_taken_for_the_class_and_without_a_threshold():
    probabilities = np.array([[0.4, 0.6], [0.3, 0.7], [0.2, 0.8], [0.1, 0.9]])
    actual = np.array([0, 0, 1, 1])
    never_named = recognition(probabilities.argmax(axis=1), probabilities, actual, np.array([0]))
    assert never_named == {"others_taken": 0, "forgotten_auroc": 1}  # recall 0, and still told apart without fail
    everything = recognition(np.zeros(4, int), probabilities, actual, np.array([1]))
    assert everything == {"others_taken": 0, "forgotten_auroc": 1}
    assert recognition(np.ones(4, int), probabilities, actual, np.array([1]))["others_taken"] == 1


def test_a_class_that_is_no_candidate_is_told_apart_by_chance():
    masked = np.array([[0.0, 1.0]] * 4)
    assert recognition(np.ones(4, int), masked, np.array([0, 0, 1, 1]), np.array([0]))["forgotten_auroc"] == 0.5


def test_several_classes_are_told_from_the_rest_by_the_sum_of_their_probabilities():
    probabilities = np.array([[0.5, 0.2, 0.3], [0.1, 0.4, 0.5], [0.3, 0.5, 0.2], [0.45, 0.55, 0.0]])
    scores = recognition(np.array([0, 1, 1, 2]), probabilities, np.array([0, 2, 1, 1]), np.array([0, 2]))
    assert scores == {"others_taken": 0.5, "forgotten_auroc": 1}  # cat alone: 0.5 and 0.1 against 0.3 and 0.45
    assert accuracies(np.array([0, 1, 1, 2]), np.array([0, 2, 1, 1]), CLASSES, np.array([0, 2]))["forgotten"] == 0.5


def test_without_images_of_the_class_or_of_others_there_is_nothing_to_recognize():
    assert recognition(np.zeros(2, int), np.eye(2), np.array([1, 1]), np.array([0])) == {}
    assert recognition(np.zeros(2, int), np.eye(2), np.array([0, 0]), np.array([0])) == {}


def test_distance_is_that_of_scipy():
    p, q = np.random.default_rng(0).dirichlet([0.3] * 4, size=(2, 50))
    p[0] = q[1] = [1, 0, 0, 0]
    assert distance(p, q) == pytest.approx(jensenshannon(p, q, base=2, axis=1).mean())


def test_distance_is_0_for_equal_and_1_for_disjoint_answers():
    p = np.eye(3)
    assert distance(p, p) == 0
    assert distance(p, p[[1, 2, 0]]) == 1


def test_unlearning_accuracy_counts_wrong_answers_and_the_others_right_ones():
    right, forgotten = np.array([1, 0, 0, 1, 1, 0]) == 1, np.arange(6) < 3
    held_out = np.array([True, False])
    assert unlearning_accuracies(right, forgotten, held_out) == pytest.approx({"UA": 2 / 3, "RA": 2 / 3, "TA": 0.5})
    assert unlearning_accuracies(right, forgotten & False, held_out).keys() == {"RA", "TA"}


def test_gaps_are_none_and_tow_1_against_itself():
    ours = {"UA": 0.9, "RA": 0.8, "TA": 0.7}
    assert gaps(ours, ours) == {"average_gap": 0, "tow": 1}
    other = gaps(ours, {"UA": 1.0, "RA": 0.8, "TA": 0.5})
    assert other == pytest.approx({"average_gap": 0.1, "tow": 0.9 * 1 * 0.8})


def test_gaps_need_the_same_measures():
    assert gaps({"UA": 1.0, "RA": 1.0}, {"RA": 1.0}) == gaps({}, {}) == {}
