"""What outputs are worth, on three held-out and four training images of two classes."""

import numpy as np
import pytest

from sisa.evaluation.aggregation import Loss
from sisa.evaluation.scoring import (
    HELD_OUT,
    TRAINING,
    EvaluationSet,
    Prediction,
    against,
    by_every_aggregation,
    evaluation_set,
    floor,
    gaps,
    knowledge,
    of_model,
    unlearning,
    utility,
    utility_by_set,
)
from sisa.inference.outputs import Asked, ModelOutputs
from sisa.unlearning.forget_set import ForgetSet

ON = EvaluationSet(
    {HELD_OUT: np.array([0, 0, 1]), TRAINING: np.array([0, 0, 1, 1])},
    np.array([True, True, False, False]),
    ["cat", "dog"],
    ("cat",),
)


def model(held_out, training, counts=(800, 50)):
    """Outputs that name these classes, each with odds of 9 to 1."""
    return ModelOutputs(
        {HELD_OUT: np.eye(2)[held_out] * np.log(9), TRAINING: np.eye(2)[training] * np.log(9)}, np.array(counts)
    )


KNOWS = model([0, 0, 1], [0, 0, 1, 1])
NEVER_SAW = model([1, 1, 1], [1, 1, 1, 1], (0, 800))


def test_utility_is_accuracy_and_calibration_on_each_set():
    scores = utility(of_model(KNOWS), ON)
    assert scores[HELD_OUT]["overall"] == scores[TRAINING]["overall"] == 1
    assert scores[HELD_OUT]["calibration_error"] == pytest.approx(0.1)


def test_utility_of_a_state_is_told_by_set_and_aggregation():
    scores = utility_by_set(by_every_aggregation([KNOWS, NEVER_SAW], ON, Loss(1, 0)), ON)
    assert scores.keys() == {HELD_OUT, TRAINING}
    assert scores[HELD_OUT]["prior_corrected"]["forgotten"] == 1  # NEVER_SAW abstains, and vetoes in the others:
    assert scores[HELD_OUT]["majority_vote"]["forgotten"] == 1  # a tie of equal beliefs goes to the first class


def test_test_accuracy_is_of_the_retained_classes():
    assert unlearning(of_model(NEVER_SAW), ON) == {"UA": 1, "RA": 1, "TA": 1}
    assert unlearning(of_model(KNOWS), ON) == {"UA": 0, "RA": 1, "TA": 1}


def test_test_accuracy_is_of_all_classes_where_none_is_forgotten():
    on = EvaluationSet(ON.actual, ON.forgotten, ON.classes, ())
    assert unlearning(of_model(NEVER_SAW), on)["TA"] == pytest.approx(1 / 3)


def test_a_model_that_knows_is_far_from_one_that_never_saw():
    scores = against(of_model(KNOWS), of_model(NEVER_SAW), ON)
    assert scores["average_gap"] == pytest.approx(1 / 3)
    assert scores["tow"] == 0
    assert scores["js_distance_forgotten"] > scores["js_distance_held_out"] > 0


def test_a_model_is_at_no_distance_from_itself():
    predicted = of_model(KNOWS)
    assert against(predicted, predicted, ON) == {
        "average_gap": 0,
        "tow": 1,
        "js_distance_forgotten": 0,
        "js_distance_held_out": 0,
    }


def test_the_gaps_to_one_conventional_model_have_no_distance_between_answers():
    assert gaps(of_model(KNOWS), of_model(NEVER_SAW), ON).keys() == {"average_gap", "tow"}


def test_the_floor_is_the_mean_distance_of_ensembles_that_differ_in_their_seeds():
    others = [of_model(NEVER_SAW), of_model(KNOWS)]
    (same, apart), found = (against(each, of_model(NEVER_SAW), ON) for each in others), floor(others, others[0], ON)
    assert found == pytest.approx({name: (same[name] + apart[name]) / 2 for name in same})


def test_there_is_no_floor_without_other_ensembles_or_where_one_is_undecided():
    undecided = by_every_aggregation([], ON, Loss(1, 0))["mean_logits"]
    assert floor([], of_model(KNOWS), ON) == floor([of_model(KNOWS), undecided], of_model(KNOWS), ON) == {}


def test_nothing_is_scored_where_nothing_was_decided():
    predicted = by_every_aggregation([], ON, Loss(1, 0))["mean_logits"]
    assert unlearning(predicted, ON) == against(predicted, of_model(KNOWS), ON) == {}
    assert utility(predicted, ON)[HELD_OUT] == {"undecided": 1.0}


def test_knowledge_is_how_often_a_member_names_the_class_rightly_and_wrongly():
    assert knowledge(KNOWS, ON) == {"saw": 800, "names": 1, "names_others": 0}
    assert knowledge(model([0, 1, 0], [0] * 4, (50, 800)), ON) == {"saw": 50, "names": 0.5, "names_others": 1}
    assert knowledge(KNOWS, EvaluationSet(ON.actual, ON.forgotten, ON.classes, ())) == {}


def test_of_several_forgotten_classes_each_is_to_be_named_and_others_are_taken_for_any():
    actual = np.array([0, 0, 1, 2, 2])
    on = EvaluationSet(dict.fromkeys((HELD_OUT, TRAINING), actual), actual == 0, ["cat", "cow", "dog"], ("cat", "dog"))
    answers = np.array([0, 2, 2, 2, 1])
    member = ModelOutputs({HELD_OUT: np.eye(3)[answers]}, np.array([800, 50, 30]))
    assert knowledge(member, on) == {"saw": 830, "names": 0.5, "names_others": 1}
    predicted = dict.fromkeys((HELD_OUT, TRAINING), Prediction(answers, np.eye(3)[answers]))
    scores = utility(predicted, on)[HELD_OUT]
    assert (scores["forgotten"], scores["retained"], scores["others_taken"]) == (0.5, 0, 1)
    assert unlearning(predicted, on) == {"UA": 0.5, "RA": pytest.approx(1 / 3), "TA": 0}


def test_the_questions_of_a_request_are_its_images_and_its_classes():
    asked = {name: Asked(np.array(["a", "b", "c"]), np.array(["cat", "cow", "dog"])) for name in (HELD_OUT, TRAINING)}
    on = evaluation_set(asked, ["cat", "cow", "dog"], ForgetSet(("cat", "dog"), "all", [], {"cow": ["a", "c"]}, {}))
    assert on.forgotten.tolist() == on.of_class.tolist() == [True, False, True]
