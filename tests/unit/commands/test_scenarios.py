"""Which runs of a scenario are asked for."""

from argparse import ArgumentTypeError

import pytest

from sisa.commands.scenarios import which_runs


def test_a_number_is_so_many_runs_and_a_range_is_those():
    assert list(which_runs("3")) == [0, 1, 2]
    assert list(which_runs("5-7")) == [5, 6, 7]
    assert list(which_runs("5-5")) == [5]


@pytest.mark.parametrize("text", ["0", "-1", "1-", "7-5", "a", "1-2-3", "1.5"])
def test_anything_else_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="is not a whole number from"):
        which_runs(text)
