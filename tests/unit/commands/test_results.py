"""Tables are equal on every machine, and a data set that was not attacked has all that it can have."""

import argparse
from pathlib import Path

import pandas as pd
import pytest

from sisa.commands import results

RECOGNIZED = {"classes": 5, "leakage": "high", "scope": "dominant", "run": 0, "state": "before", "aggregation": ""}


@pytest.fixture
def write(monkeypatch, tmp_path):
    """What `results` leaves in a folder where runs give these tables."""

    def write(files):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(results.records, "collect", lambda: None)
        monkeypatch.setattr(results.records, "read", lambda: [argparse.Namespace(dataset="one")])
        monkeypatch.setattr(
            results.tables, "of_runs", lambda runs: {Path(name): table for name, table in files.items()}
        )
        monkeypatch.setattr(results, "DRAWN", {})
        monkeypatch.setattr(results.markdown_tables, "documents", list)
        results.main(argparse.Namespace())

    return write


def test_a_data_set_that_was_not_attacked_has_no_picture_of_attacks(write):
    write({"recognition/one.csv": pd.DataFrame([RECOGNIZED]), "areas/one.csv": pd.DataFrame()})
    assert [str(file) for file in sorted(Path("results").rglob("*.*"))] == ["results/recognition/one.csv"]


def test_numbers_are_rounded_before_processors_differ(write):
    write({"differences/one.csv": pd.DataFrame({"run": [1], "difference": [0.1234567890123456]})})
    assert Path("results/differences/one.csv").read_text() == "run,difference\n1,0.123457\n"
