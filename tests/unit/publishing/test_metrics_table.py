"""Every number of the metrics files that is published has one row in the tidy table, and one row only."""

import pytest

from sisa.publishing import runs
from sisa.publishing.metrics_table import COLUMNS, pick, tidy, wide
from sisa.unlearning.states import STATES


@pytest.fixture
def run(monkeypatch, attacked):
    """The committed run, attacked."""
    monkeypatch.chdir(attacked)
    return runs.in_place()


def value(table, **where):
    return pick(table, **(dict.fromkeys(COLUMNS[:-1], "") | where))["value"].item()


def test_the_table_says_what_the_files_say(run):
    metrics, table = run.metrics, run.table
    corrected = metrics["after"]["held_out"]["prior_corrected"]
    where = {"state": "after", "aggregation": "prior_corrected", "set": "held_out"}
    assert value(table, measure="forgotten_auroc", **where) == corrected["forgotten_auroc"]
    assert value(table, measure="recall", **where, **{"class": "dog"}) == corrected["class"]["dog"]
    full = metrics["baseline"]["baseline_full"]["training_images"]
    assert value(table, measure="overall", state="baseline_full", set="training_images") == full["overall"]
    assert value(table, measure="residual_copies", state="retrained") == metrics["retrained"]["residual_copies"]
    assert value(table, measure="saw", state="before", model="cow") == metrics["members"]["before"]["cow"]["saw"]
    assert value(table, measure="names", state="baseline_full") == metrics["members"]["baseline_full"]["names"]
    attack = metrics["attacks"]["population"]["before"]["prior_corrected"]["leaked"]
    assert value(table, measure="population auc", **where | {"state": "before", "set": "leaked"}) == attack["auc"]
    attack = metrics["attacks"]["population"]["baseline_full"]["leaked"]
    assert value(table, measure="population auc", state="baseline_full", set="leaked") == attack["auc"]
    leaked = metrics["controls"]["baseline_leaked"]["held_out"]
    assert value(table, measure="others_taken", state="baseline_leaked", set="held_out") == leaked["others_taken"]


def test_a_distance_says_from_which_reference_it_is(run):
    ours = run.metrics["forgetting"]["before"]["mean_logits"]
    exact = run.metrics["retrained_exact"]["before"]["mean_logits"]
    where = {"state": "before", "aggregation": "mean_logits"}
    assert value(run.table, measure="UA", **where) == ours["UA"]
    assert (
        value(run.table, measure="tow against baseline_retrained", **where) == ours["against_baseline_retrained"]["tow"]
    )
    assert value(run.table, measure="tow against retrained_exact", **where) == exact["tow"]
    of_baseline = run.metrics["forgetting"]["baseline_full"]
    assert value(run.table, measure="RA", state="baseline_full") == of_baseline["RA"]


def test_a_klom_stands_beside_its_floor():
    found = {"klom": 9.0, "floor": 6.0, "excess": 3.0, "low": 1.0, "high": 5.0, "images": 50}
    table = tidy({"klom": {"retrained": {"mean_logits": {"leaked": found}}}})
    where = {"state": "retrained", "aggregation": "mean_logits", "set": "leaked"}
    assert (value(table, measure="klom", **where), value(table, measure="klom floor", **where)) == (9, 6)


def test_samples_are_those_of_the_cost_report(run):
    cost = run.metrics["cost"]
    samples = {state: value(run.table, measure="samples", state=state) for state in ("before", "retrained")}
    assert samples == {"before": cost["training"]["samples"], "retrained": cost["retraining"]["samples"]}
    assert value(run.table, measure="samples, scope all", state="retrained") == cost["scope"]["all"]["samples"]
    assert value(run.table, measure="samples", state="baseline_retrained") == cost["baseline_retrained"]["samples"]


def test_no_number_stands_twice(run):
    assert not run.table.duplicated(COLUMNS[:-1]).any()
    assert run.table["value"].notna().all()


def test_what_an_aggregation_could_not_decide_is_nan_in_every_measure_of_the_set():
    scores = {"overall": 0.9, "forgotten": 0.8, "class": {"cat": 0.8}}
    held_out = {"held_out": {"prior_corrected": {"undecided": 1.0}, "mean_logits": scores}}
    table = tidy(dict.fromkeys(STATES, held_out))
    undecided = pick(table, aggregation="prior_corrected", state="before", measure=("overall", "forgotten", "recall"))
    assert undecided["class"].tolist() == ["", "", "cat"]
    assert undecided["value"].isna().all()


def test_a_wide_table_keeps_a_row_without_any_of_its_measures():
    held_out = {"held_out": {"prior_corrected": {"undecided": 1.0}, "mean_logits": {"overall": 0.9}}}
    found = wide(tidy({"before": held_out}), ("state", "aggregation"), ("overall", "forgotten"))
    assert found["aggregation"].tolist() == ["prior_corrected", "mean_logits"]
    assert found["overall"].isna().tolist() == [True, False]
    assert found["forgotten"].isna().all()
