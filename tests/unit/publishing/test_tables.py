"""What the evaluation and the attacks found: rows of files, and how they are read."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sisa.publishing import readable, runs, tables
from sisa.publishing.metrics_table import tidy
from sisa.publishing.runs import together
from sisa.scenarios.grid import Scenario
from sisa.unlearning.states import STATES

GAP = {"average_gap": 0.3, "tow": 0.1}
FAR = GAP | {"js_distance_forgotten": 0.6, "js_distance_held_out": 0.2}
STATE = {"UA": 0.1, "RA": 0.98, "TA": 0.97}
FORGETTING = {
    "forgetting": {key: {"prior_corrected": STATE | {"against_baseline_retrained": GAP}} for key in STATES},
    "retrained_exact": {key: {"prior_corrected": FAR | {"tow": 0.2}} for key in STATES},
}


def found(*metrics, dataset="animal_mnist"):
    """The tidy metrics of independent runs of one scenario."""
    scenarios = [Scenario(5, "high", dataset, run=run) for run in range(len(metrics))]
    return together([tidy(each) for each in metrics], [tables.keys(scenario) for scenario in scenarios])


@pytest.fixture
def run(monkeypatch, attacked):
    """The committed run."""
    monkeypatch.chdir(attacked)
    return runs.in_place()


def test_utility_has_a_column_an_aggregation_and_a_baseline_in_all_of_them():
    held_out = {name: {"macro_recall": 0.9, "calibration_error": 0.12} for name in ("mean_logits", "majority_vote")}
    metrics = {state: {"held_out": held_out | {"prior_corrected": {"undecided": 1.0}}} for state in STATES}
    metrics["baseline"] = {"baseline_full": {"held_out": {"macro_recall": 0.95, "calibration_error": 0.1}}}
    text = readable.utility(tables.utility(found(metrics)))
    assert text.iloc[0][["mean_logits", "prior_corrected"]].tolist() == ["90.0, 0.12", "-"]
    assert set(text.iloc[-1][["mean_logits", "majority_vote", "prior_corrected"]]) == {"95.0, 0.10"}


def test_each_state_is_held_against_both_references():
    rows = tables.forgetting(found(FORGETTING, FORGETTING))
    assert rows[["state", "reference", "tow"]].head(2).to_numpy().tolist() == [
        ["before", "baseline_retrained", 0.1],
        ["before", "retrained_exact", 0.2],
    ]
    of_model, text = (readable.forgetting(rows).iloc[number] for number in (0, 1))
    assert (of_model["JS distance, held out"], text["JS distance, held out"]) == ("", "0.20 ± 0.00")
    assert (text["n"], text["UA"]) == (2, "10.0 ± 0.0")
    assert (text["against"], text["ToW"]) == ("retrained_exact", "0.20 ± 0.00")


def test_a_state_that_was_not_decided_is_left_out():
    undecided = {key: {"prior_corrected": {}} for key in STATES}
    held_out = {state: {"held_out": {"prior_corrected": {"undecided": 1.0}}} for state in STATES}
    rows = tables.forgetting(found(held_out | {"forgetting": undecided, "retrained_exact": undecided}))
    assert len(rows) == 6
    assert readable.forgetting(rows).empty


def sharded(run, *choices):
    """The tables of the committed run, as if it had been run with each of these choices."""
    told = [replace(run, choices=each, scenario=each.name, attacked=None) for each in choices]
    return tables.of_runs(told)


def test_shards_of_random_images_are_compared_with_shards_of_as_many_classes_in_a_table_of_their_own(run):
    iid = [Scenario(5, "none", sharding="iid", run=number) for number in range(2)]
    files = sharded(run, Scenario(5, "high"), Scenario(3, "high"), *iid)
    table = files[Path("sharding/animal_mnist.csv")]
    keys = table[["classes", "leakage", "sharding", "run"]].to_numpy().tolist()
    assert keys == [[5, "high", "classes", 0], [5, "none", "iid", 0], [5, "none", "iid", 1]]
    cost = run.metrics["cost"]
    row = table.iloc[0]
    assert row["samples_class"] == cost["retraining"]["samples"]
    forgotten = cost["baseline_full"]["images"] - cost["baseline_retrained"]["images"]
    assert row["samples_one_image"] == cost["closed_form"]["images"]["one_by_one"] / forgotten
    assert row["overall_retrained"] == run.metrics["retrained"]["held_out"]["prior_corrected"]["overall"]
    assert row["residual_copies"] == 200
    text = readable.sharding(table.drop(columns="dataset"))
    assert text[["leakage", "sharding", "n"]].to_numpy().tolist() == [["high", "classes", 1], ["none", "iid", 2]]
    assert text["before"][0] == f"{row['overall_before']:.1%} ({row['forgotten_before']:.1%})".replace("%", "")
    assert text["samples, the class"][0] == f"{row['samples_class']:,}"


def test_the_other_tables_are_of_shards_of_classes_alone(run):
    alone, beside = (sharded(run, Scenario(5, "high"), *more) for more in ([], [Scenario(5, "none", sharding="iid")]))
    assert beside.keys() - alone.keys() == {Path("sharding/animal_mnist.csv")}
    for file, table in alone.items():
        pd.testing.assert_frame_equal(table, beside[file])
    assert sharded(run, Scenario(5, "none", sharding="iid")).keys() == {Path("sharding/animal_mnist.csv")}


KEYS = {"classes": 5, "leakage": "high", "scope": "dominant", "attack": "lira", "origin": "leaked"}
AREA = KEYS | {"aggregation": "prior_corrected", "runs": 3, "images": 50, "held_out": 140, "low": 0.6, "high": 0.7}


def area(**values):
    return AREA | {"target": "before", "auc": 0.648} | values


def test_an_area_is_read_with_its_interval_in_the_column_of_its_target():
    rows = [area(target="retrained_exact"), area(auc=0.7), area(aggregation="mean_logits", auc=0.9)]
    text = readable.areas(pd.DataFrame(rows))
    assert list(text.columns)[-2:] == ["before", "retrained_exact"]
    (row,) = text.to_dict("records")
    assert row["before"] == "0.70 (0.60 to 0.70)"
    assert (row["attack"], row["n"], row["images"], row["held out"]) == ("LiRA", 3, 50, 140)


def test_a_line_of_areas_that_rest_on_more_and_on_fewer_runs_says_so():
    text = readable.areas(pd.DataFrame([area(), area(target="after", runs=10)]))
    assert text["n"].tolist() == ["3 to 10"]


def test_a_change_is_read_with_its_interval_and_what_it_is_held_against():
    rows = [area(target="after", against="before", change=0.07, low=-0.01, high=0.15)]
    (row,) = readable.changes(pd.DataFrame(rows)).to_dict("records")
    assert (row["state"], row["against"], row["difference"]) == ("after", "before", "+0.070 (-0.010 to +0.150)")


def test_rates_are_read_in_percent_and_those_that_do_not_exist_are_empty():
    known = {"tpr_at_1_percent": 0.04, "tpr_at_1_percent_low": 0.01, "tpr_at_1_percent_high": 0.1, "epsilon_low": 0.2}
    none = dict.fromkeys(("tpr_at_0.1_percent", "tpr_at_0.1_percent_low", "tpr_at_0.1_percent_high"), float("nan"))
    areas, rates = tables.apart(pd.DataFrame([area(**known, **none), area(target="after")]))
    assert len(areas) == 2
    assert "epsilon_low" not in areas
    (row,) = readable.rates(rates).to_dict("records")
    assert (row["at 1 % false alarms"], row["at 0.1 %"], row["epsilon"]) == ("4.0 (1.0 to 10.0)", "", "at least 0.20")


def test_a_difference_is_that_of_the_same_run_and_has_the_interval_of_the_pairs():
    def metrics(before, retrained):
        held_out = {"before": before, "after": before, "retrained": retrained}
        states = {state: {"held_out": {"prior_corrected": {"overall": share}}} for state, share in held_out.items()}
        return states | {"baseline": {"baseline_retrained": {"held_out": {"overall": 0.5}}}}

    rows = tables.differences(found(metrics(0.9, 0.8), metrics(0.7, 0.6)))
    text = readable.differences(rows).set_index(["state", "against"])["overall"]
    assert text["retrained", "before"] == "-10.00 ± 0.00"
    assert text["after", "before"] == "0.00 ± 0.00"
    assert text["retrained", "baseline_retrained"] == "20.00 ± 127.06"


def test_recognition_is_recall_others_taken_and_auroc_of_each_aggregation():
    scores = {"forgotten": 0.983, "others_taken": 0.027, "forgotten_auroc": 0.9981}
    held_out = {"mean_logits": scores, "prior_corrected": {"undecided": 1.0}}
    metrics: dict = {state: {"held_out": held_out} for state in STATES}
    metrics["baseline"] = {"baseline_full": {"held_out": scores | {"forgotten": 1.0}}}
    text = readable.recognition(tables.recognition(found(metrics, metrics)))
    assert text.iloc[0][["mean_logits", "prior_corrected", "n"]].tolist() == ["98.3, 2.7, 0.998", "-", 2]
    assert set(text.iloc[-1][["mean_logits", "prior_corrected"]]) == {"100.0, 2.7, 0.998"}


def test_our_figures_stand_beside_the_notebooks_by_their_measure_and_held_out():
    scores = {"mean_logits": {"overall": 0.7, "forgotten": 0.6}, "prior_corrected": {"overall": 0.8, "forgotten": 0.9}}
    metrics: dict = {state: {"training_images": scores, "held_out": scores} for state in STATES}
    assert tables.notebooks(found(metrics)).empty
    text = readable.notebooks(tables.notebooks(found(metrics, dataset="animals10")))
    assert text["state"].tolist() == ["before", "retrained"]  # of `after` they published nothing at 5 classes, high
    assert text.iloc[0, 3:].tolist() == ["66.5 (68.5)", "70.0 (60.0)", "70.0 (60.0)", "80.0 (90.0)"]


def test_the_number_of_leaked_images_that_a_level_has_anyway_may_be_named_too(monkeypatch, attacked):
    monkeypatch.chdir(attacked)
    run = replace(runs.in_place(), attacked=None, choices=Scenario(5, "high"))
    named = replace(run, choices=Scenario(5, "high", leaked=run.leaked))
    fewer = replace(run, choices=Scenario(5, "high", leaked=5), params=run.params | {"leakage": {"leaked": 5}})
    study = tables.of_runs([fewer, run, named])[tables.Path("response", "5-high.csv")]
    assert study["leaked"].tolist() == [5, run.leaked]
