"""What attacks said of images comes back from its file as it was, and the same scores give the same bytes."""

import numpy as np
import pytest

from sisa.attacks import scores
from sisa.attacks.scores import Scores
from sisa.base.errors import BadInput

FOUND = {
    ("population", "before", "mean_logits", "leaked"): Scores(
        np.array([1.5, -2.0]), np.array([0.25]), np.array(["a", "b"]), np.array(["c"])
    ),
    ("population", "baseline_full", "", "leaked"): Scores(
        np.array([1.0]), np.array([0.5, 0.5]), np.array(["a"]), np.array(["a", "c"])
    ),
}


def test_scores_come_back_as_they_were(tmp_path):
    path = tmp_path / "scores.parquet"
    scores.write(path, FOUND)
    read = scores.read(path)
    assert [*read] == [*FOUND]
    for place, each in FOUND.items():
        for name, values in vars(each).items():
            assert getattr(read[place], name).tolist() == values.tolist()


def test_nothing_attacked_is_an_empty_table(tmp_path):
    scores.write(tmp_path / "scores.parquet", {})
    assert scores.read(tmp_path / "scores.parquet") == {}


def test_the_same_scores_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        scores.write(tmp_path / name, FOUND)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_damaged_file_says_what_to_do(tmp_path):
    (tmp_path / "scores.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match="missing or damaged; bring it back: dvc repro"):
        scores.read(tmp_path / "scores.parquet")
