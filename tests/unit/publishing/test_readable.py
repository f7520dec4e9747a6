"""The tables that people read are those of the runs."""

from pathlib import Path

import pandas as pd

from sisa.publishing import readable, tables
from sisa.publishing.metrics_table import BASELINE_LEAKED, tidy
from sisa.publishing.runs import NEEDED, together
from sisa.scenarios.grid import Scenario

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "results").glob("*.csv"))
SCORE = {"overall": 0.9, "forgotten": 0.25, "retained": 0.95, "class": {"cat": 0.25}}


def rows(metrics):
    return tables.accuracy(tidy(metrics))


def metrics(forgotten=SCORE):
    held_out = {"held_out": {"prior_corrected": {"undecided": 1.0}, "mean_logits": forgotten}}
    states = {state: {"members": 5, **held_out} for state in ("before", "after", "retrained")}
    return states | {"baseline": {"baseline_full": {"held_out": forgotten}}}


def test_a_row_is_a_state_and_aggregation_and_a_baseline_has_none():
    table = rows(metrics())
    assert list(table["state"]) == ["before"] * 2 + ["after"] * 2 + ["retrained"] * 2 + ["baseline_full"]
    assert list(table["aggregation"])[-3:] == ["prior_corrected", "mean_logits", ""]
    assert table["overall"].isna().tolist() == [True, False] * 3 + [False]


def test_people_read_percent_with_the_forgotten_class_in_parentheses():
    wide = readable.accuracy(rows(metrics()))
    assert list(wide.columns) == ["state", "members", "prior_corrected", "mean_logits"]
    assert list(wide["prior_corrected"]) == ["-"] * 3 + ["90.0 (25.0)"]
    assert list(wide["mean_logits"]) == ["90.0 (25.0)"] * 4


def test_without_a_request_there_is_no_forgotten_share():
    nothing_forgotten = {name: value for name, value in SCORE.items() if name == "overall"}
    assert set(readable.accuracy(rows(metrics(nothing_forgotten)))["mean_logits"]) == {"90.0"}


def over(*shares):
    """Independent runs with these shares right overall."""
    scenarios = [Scenario(5, "high", run=number) for number in range(len(shares))]
    found = [tidy(metrics(SCORE | {"overall": share})) for share in shares]
    table = tables.accuracy(together(found, [tables.keys(scenario) for scenario in scenarios]))
    return readable.accuracy(table.drop(columns="dataset"))


def test_several_runs_are_read_as_mean_and_interval_and_their_number():
    wide = over(0.8, 0.9)
    assert list(wide.columns) == ["classes", "leakage", "state", "members", "n", "prior_corrected", "mean_logits"]
    assert set(wide["mean_logits"]) == {"85.0 ± 63.5 (25.0 ± 0.0)"}  # Student's t of two runs is 12.7
    assert list(wide["prior_corrected"])[:3] == ["-"] * 3
    assert set(wide["n"]) == {2}


def test_one_run_is_read_as_it_is():
    assert "n" not in over(0.8)
    assert set(over(0.8)["mean_logits"]) == {"80.0 (25.0)"}


def test_there_are_result_files():
    assert {path.stem for path in FILES} >= {"animal_mnist", "animals10"}


def test_the_default_scenario_of_the_result_files_is_the_one_that_is_committed():
    table = tables.read(ROOT / "results/animal_mnist.csv")
    default = table.query("classes == 5 and leakage == 'high' and scope == 'dominant' and run == 0")
    default = default[default["state"] != BASELINE_LEAKED]
    files = {name: pd.read_json(ROOT / "metrics" / f"{name}.json", typ="series").to_dict() for name in NEEDED}
    pd.testing.assert_frame_equal(default[rows(files).columns.tolist()].reset_index(drop=True), rows(files))
