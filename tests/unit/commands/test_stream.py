"""A stream takes requests in the order of the file, each image once, and says what others would have taken."""

from pathlib import Path

import numpy as np
import pytest

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import load
from sisa.commands import stream
from sisa.cost.stream import Step
from sisa.data.images import Shard
from sisa.training.resume import Retraining
from sisa.unlearning.requests import Named

PARAMS = load(Path(__file__).parents[3] / "params.yaml")
NAMED = [Named(2, "x.png", "x"), Named(3, "two.png", "b"), Named(3, "two.png", "a"), Named(4, "y", "y", erased=True)]
NAMED += [Named(5, "b", "b"), Named(6, "c", "c"), Named(7, "d", "d")]


@pytest.mark.parametrize(
    ("size", "batches"),
    [
        (1, [("3", ["b", "a"]), ("6", ["c"]), ("7", ["d"])]),
        (2, [("3 6", ["b", "a", "c"]), ("7", ["d"])]),
        (9, [("3 6 7", ["b", "a", "c", "d"])]),
    ],
)
def test_requests_keep_their_order_and_those_that_change_nothing_are_left_out(size, batches):
    assert stream.batched(NAMED, {"a", "b", "c", "d", "y"}, size) == batches


def test_nothing_is_left_of_requests_that_were_carried_out():
    assert stream.batched(NAMED, {"z"}, 1) == []


def test_near_copies_that_requests_leave_are_refused_because_a_stream_would_take_them():
    stream.check_takes_every_copy(PARAMS)
    flipped = PARAMS.model_copy(update={"leakage": PARAMS.leakage.model_copy(update={"kind": "flip"})})
    with pytest.raises(BadInput, match=r"leakage\.kind is flip and forget\.near is false, but a stream"):
        stream.check_takes_every_copy(flipped)
    taken = PARAMS.forget.model_copy(update={"near": True})
    stream.check_takes_every_copy(flipped.model_copy(update={"forget": taken}))


def test_requests_that_are_no_whole_batches_have_no_closed_form():
    assert np.isnan(stream.expected({}, 3, 2, 2, 7)).tolist() == [True, True]


def test_a_later_request_resumes_from_what_an_earlier_one_left(tmp_path, monkeypatch):
    starts, text = [], np.array(["a", "b", "c"])
    served = {"cat": Shard(text, text, np.zeros((3, 1, 1, 1), np.uint8), text, np.zeros(3, dtype=np.int64))}

    def retrain(name, retained, member, target, params):
        starts.append((member, retained.ids.tolist()))
        target.mkdir(exist_ok=True)
        return Retraining(0, len(retained), 10 * len(retained))

    monkeypatch.setattr(stream, "retrain", retrain)
    batches, plan = [("2", ["a"]), ("3", ["b"])], [Step({"cat": 0}, 20, 20), Step({"cat": 0}, 10, 10)]
    assert list(stream.carried_out(batches, plan, served, tmp_path, PARAMS)) == [20, 10]
    assert starts == [(paths.retrained(PARAMS) / "cat", ["b", "c"]), (tmp_path / "cat", ["c"])]


def test_the_outcome_is_held_against_the_closed_form_and_against_dvc_repro(capsys):
    plan = [Step({"cat": 1}, 100, 100), Step({"cat": 1, "dog": 0}, 300, 500)]
    table = stream.report([("2", ["a"]), ("3", ["b"])], plan, [100, 300], np.array([250.04, 250.0]))
    assert table["so far"].tolist() == [100, 400]
    assert table["retrained"].tolist() == ["cat from slice 2", "cat from slice 2, dog from slice 1"]
    stream.print_outcome(table, Step({}, 0, 400))
    rows = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    said = {row[0]: [cell.strip() for cell in row[1:] if cell.strip()] for row in rows}
    assert said["on checkpoints that are up to date"] == ["400"]
    assert said["expected of requests at random"] == ["500", "-20.0%"]
    assert said["dvc repro after each"] == ["600", "-33.3%"]
    assert said["dvc repro once, after all"] == ["400", "+0.0%"]


def test_where_there_is_nothing_to_hold_it_against_it_says_so():
    assert stream.against(0, np.nan) == stream.against(0, 0) == ("-", "-")
