"""What `python src repro` does with signals, cores and bad input, without a single stage."""

import argparse
import os
import signal
import subprocess

import pytest

from sisa.base.errors import BadInput
from sisa.commands import repro
from sisa.parallel import resources
from sisa.parallel.run_graph import stoppable


@pytest.fixture
def called(monkeypatch):
    """Which of the ways were gone, in order; nothing runs."""
    ways = []
    monkeypatch.setattr(repro, "validate", lambda: ways.append("validate"))
    monkeypatch.setattr(repro, "side_by_side", ways.append)
    monkeypatch.setattr(repro, "on_cluster", ways.append)
    monkeypatch.setattr(repro, "dvc_in_sight", lambda *words: ways.append(words))
    monkeypatch.setattr(resources, "cores_here", lambda: 8)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield ways
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["validate", 8, ("repro",)]),
        (["--jobs", "3"], ["validate", 3, ("repro",)]),
        (["--jobs", "1"], ["validate", ("repro",)]),
        (["--ray", "auto"], ["validate", "auto"]),
    ],
)
def test_all_cores_are_used_by_default_and_one_is_the_serial_way(words, expected, called):
    parser = argparse.ArgumentParser()
    repro.arguments(parser)
    repro.main(parser.parse_args(words))
    assert called == expected


def test_what_validate_complains_of_is_the_one_line(monkeypatch):
    done = subprocess.CompletedProcess([], 1, "", "error in validate: params.yaml: seed is no number\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    with pytest.raises(BadInput, match=r"^params\.yaml: seed is no number$"):
        repro.validate()


def test_there_is_at_least_one_core():
    assert 1 <= resources.cores_here() <= os.cpu_count()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_with_one_line(number, called):
    with pytest.raises(BadInput, match=r"^stopped; the stages that ended are kept"), stoppable():
        signal.raise_signal(number)
