"""The tables behind the plots hold one row a mark."""

import numpy as np

from sisa.evaluation import plots


def test_an_undecided_image_is_taken_for_no_class():
    table = plots.confusion(np.array(["cat", "dog", "dog"]), np.array([1, -1, 0]), ["cat", "dog"])
    assert table == [("actual", "predicted"), ("cat", "dog"), ("dog", "undecided"), ("dog", "cat")]


def test_class_accuracy_leaves_out_states_in_which_nothing_was_decided():
    scores = {"before": {"class": {"cat": 0.5, "dog": 1.0}}, "after": {"undecided": 1.0}}
    header = ("state", "class", "accuracy")
    assert plots.class_accuracy(scores) == [header, ("before", "cat", 0.5), ("before", "dog", 1.0)]
    assert plots.class_accuracy({}) == [header]
