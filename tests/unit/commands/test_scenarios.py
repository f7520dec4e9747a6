"""Which runs of a scenario are asked for."""

from argparse import ArgumentParser, ArgumentTypeError

import pytest

from sisa.commands import scenarios
from sisa.commands.scenarios import which_runs


def test_a_number_is_so_many_runs_and_a_range_is_those():
    assert list(which_runs("3")) == [0, 1, 2]
    assert list(which_runs("5-7")) == [5, 6, 7]
    assert list(which_runs("5-5")) == [5]


@pytest.mark.parametrize("text", ["0", "-1", "1-", "7-5", "a", "1-2-3", "1.5"])
def test_anything_else_is_refused(text):
    with pytest.raises(ArgumentTypeError, match="is not a whole number from"):
        which_runs(text)


def asked(*words):
    parser = ArgumentParser()
    scenarios.arguments(parser)
    return [scenario.name for scenario in scenarios.asked_for(parser.parse_args(words))]


def test_by_default_the_six_published_scenarios_are_asked_for():
    six = ["3-high", "3-low", "3-none", "5-high", "5-low", "5-none"]
    assert asked() == six
    assert asked("--runs", "2") == six + [f"{name}-run1" for name in six]


def test_random_shards_are_asked_for_without_leakage_beside_those_of_classes():
    assert asked("--sharding", "iid") == ["3-none-iid", "5-none-iid"]
    both = asked("--sharding", "classes", "iid", "--classes", "5", "--leakage", "none")
    assert both == ["5-none", "5-none-iid"]


def test_ten_classes_and_the_level_neighbour_are_there_to_ask_for():
    assert asked("--classes", "10", "--leakage", "neighbour") == ["10-neighbour"]
