"""What the evaluation and the attacks found: rows of files, and how they are read."""

import pandas as pd
import pytest

from sisa.publishing import readable, tables
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
SUCCESS = {"auc": 0.65, "auc_low": 0.6, "auc_high": 0.7, "balanced_accuracy": 0.6, "images": 200, "held_out": 200}
ATTACKS = {
    "attacks": {
        "population": {"before": {"leaked": SUCCESS}, "after": {}},
        "lira": {"before": {"leaked": SUCCESS | {"tpr_at_1_percent": 0.07}}},
    }
}


def found(metrics, *seeds, dataset="animal_mnist"):
    """The tidy metrics of runs that differ in the seed and in nothing else."""
    scenarios = [Scenario(5, "high", dataset, seed=seed) for seed in seeds or (0,)]
    return together([tidy(metrics) for _ in scenarios], [tables.keys(scenario) for scenario in scenarios])


def test_utility_has_a_column_an_aggregation_and_a_baseline_in_all_of_them():
    held_out = {name: {"macro_recall": 0.9, "calibration_error": 0.12} for name in ("mean_logits", "majority_vote")}
    metrics = {state: {"held_out": held_out | {"prior_corrected": {"undecided": 1.0}}} for state in STATES}
    metrics["baseline"] = {"baseline_full": {"held_out": {"macro_recall": 0.95, "calibration_error": 0.1}}}
    text = readable.utility(tables.utility(found(metrics)))
    assert text.iloc[0][["mean_logits", "prior_corrected"]].tolist() == ["90.0, 0.12", "-"]
    assert set(text.iloc[-1][["mean_logits", "majority_vote", "prior_corrected"]]) == {"95.0, 0.10"}


def test_each_state_is_held_against_both_references():
    rows = tables.forgetting(found(FORGETTING, 0, 1))
    assert rows[["state", "reference", "tow"]].head(2).to_numpy().tolist() == [
        ["before", "baseline_retrained", 0.1],
        ["before", "retrained_exact", 0.2],
    ]
    of_model, text = (readable.forgetting(rows).iloc[number] for number in (0, 1))
    assert (of_model["JS distance, held out"], text["JS distance, held out"]) == ("", "0.20 ± 0.00")
    assert (text["n"], text["UA"]) == ("2 (seed)", "10.0 ± 0.0")
    assert (text["against"], text["ToW"]) == ("retrained_exact", "0.20 ± 0.00")


def test_a_state_that_was_not_decided_is_left_out():
    undecided = {key: {"prior_corrected": {}} for key in STATES}
    held_out = {state: {"held_out": {"prior_corrected": {"undecided": 1.0}}} for state in STATES}
    rows = tables.forgetting(found(held_out | {"forgetting": undecided, "retrained_exact": undecided}))
    assert len(rows) == 6
    assert readable.forgetting(rows).empty


def test_each_attack_has_a_row_a_target_and_origin():
    (population,), (lira,) = (tables.TABLES[name](found(ATTACKS)).to_dict("records") for name in ("population", "lira"))
    assert (population["target"], population["origin"], population["auc"]) == ("before", "leaked", 0.65)
    assert (lira["target"], lira["origin"], lira["tpr_at_1_percent"]) == ("before", "leaked", 0.07)


def test_lira_is_read_run_by_run():
    runs = [tables.TABLES["lira"](found(ATTACKS, seed)).assign(auc=auc) for seed, auc in enumerate((0.61, 0.65, 0.688))]
    (row,) = readable.lira(pd.concat(runs)).to_dict("records")
    assert (row["n"], row["before"]) == ("3 (seed)", "0.61 0.65 0.69")


AREA = {"attack": "lira", "origin": "leaked", "runs": 3, "images": 50, "held_out": 140, "each": "0.600 0.655 0.690"}


def area(**values):
    return {
        "classes": 5,
        "leakage": "high",
        "scope": "dominant",
        **AREA,
        "auc": 0.648,
        "low": 0.6,
        "high": 0.7,
    } | values


def test_an_area_is_read_with_its_interval_in_the_column_of_its_target():
    text = readable.areas(pd.DataFrame([area(target="retrained_exact"), area(target="before", auc=0.7)]))
    assert list(text.columns)[-2:] == ["before", "retrained_exact"]
    (row,) = text.to_dict("records")
    assert row["before"] == "0.70 (0.60 to 0.70)"
    assert (row["attack"], row["runs"], row["images"], row["held out"]) == ("LiRA", 3, 50, 140)


def test_a_change_is_read_run_by_run_and_with_its_interval():
    change = area(target="after", change=0.07, low=-0.01, high=0.15, each="0.060 0.070 0.080")
    (row,) = readable.changes(pd.DataFrame([change])).to_dict("records")
    assert row["each run"] == "+0.06 +0.07 +0.08"
    assert (row["later state"], row["later - before"]) == ("after", "+0.070 (-0.010 to +0.150)")


def test_recognition_is_recall_others_taken_and_auroc_of_each_aggregation():
    scores = {"forgotten": 0.983, "others_taken": 0.027, "forgotten_auroc": 0.9981}
    held_out = {"mean_logits": scores, "prior_corrected": {"undecided": 1.0}}
    metrics: dict = {state: {"held_out": held_out} for state in STATES}
    metrics["baseline"] = {"baseline_full": {"held_out": scores | {"forgotten": 1.0}}}
    text = readable.recognition(tables.recognition(found(metrics, 0, 1)))
    assert text.iloc[0][["mean_logits", "prior_corrected", "n"]].tolist() == ["98.3, 2.7, 0.998", "-", "2 (seed)"]
    assert set(text.iloc[-1][["mean_logits", "prior_corrected"]]) == {"100.0, 2.7, 0.998"}


@pytest.mark.parametrize("name", ["population", "lira"])
def test_no_class_forgotten_makes_no_rows(name):
    assert tables.TABLES[name](found({"attacks": {}})).empty


def test_our_figures_stand_beside_the_notebooks_by_their_measure_and_held_out():
    scores = {"mean_logits": {"overall": 0.7, "forgotten": 0.6}, "prior_corrected": {"overall": 0.8, "forgotten": 0.9}}
    metrics: dict = {state: {"training_images": scores, "held_out": scores} for state in STATES}
    assert tables.notebooks(found(metrics)).empty
    text = readable.notebooks(tables.notebooks(found(metrics, dataset="animals10")))
    assert text["state"].tolist() == ["before", "retrained"]  # of `after` they published nothing at 5 classes, high
    assert text.iloc[0, 3:].tolist() == ["66.5 (68.5)", "70.0 (60.0)", "70.0 (60.0)", "80.0 (90.0)"]
