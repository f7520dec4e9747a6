"""The leakage response: one row a scenario, one study where the number of leaked images varies, one picture."""

import pandas as pd
import pytest

from sisa.publishing import figures, readable, tables
from sisa.publishing.metrics_table import tidy
from sisa.publishing.runs import together
from sisa.scenarios.grid import Scenario


def metrics(forgotten=0.8, attacked=True):
    scores = {"overall": 0.9, "forgotten": forgotten, "others_taken": 0.25, "forgotten_auroc": 0.97}
    held_out = dict.fromkeys(("prior_corrected", "mean_logits"), scores)
    found = {
        target: {"prior_corrected": {"leaked": {"auc": auc}}}
        for target, auc in {"before": 0.6, "retrained": 0.7}.items()
    }
    return {
        "before": {"held_out": held_out},
        "retrained": {"held_out": held_out, "residual_copies": 200},
        "baseline": {"baseline_full": {"held_out": {"overall": 0.95}}},
        "cost": {
            "scope": {"dominant": {"samples": 100}, "all": {"samples": 900}},
            "baseline_retrained": {"samples": 600},
        },
        "attacks": {"population": found} if attacked else {},
    }


def rows(said, *leaked, classes=5):
    """The same metrics with each number of leaked images."""
    known = [tables.keys(Scenario(classes, "high")) | {"leaked": number} for number in leaked]
    return tables.response(together([tidy(said) for _ in leaked], known))


def table(*leaked, classes=5, **options):
    return rows(metrics(**options), *leaked, classes=classes)


def test_a_row_says_what_is_known_at_what_accuracy_attack_and_cost():
    (row,) = table(50).to_dict("records")
    assert row["forgotten_retrained"] == 0.8
    assert row["others_taken"] == row["others_taken_averaged_logits"] == 0.25
    assert (row["population_before"], row["population_retrained"]) == (0.6, 0.7)
    assert (row["samples_dominant"], row["samples_all"], row["samples_full"]) == (100, 900, 600)


def test_what_was_not_attacked_or_not_decided_is_empty():
    said = metrics(attacked=False)
    said["retrained"]["held_out"] = {"prior_corrected": {"undecided": 1.0}, "mean_logits": {"overall": 0.9}}
    row = rows(said, 50).iloc[0]
    assert pd.isna([row["population_retrained"], row["forgotten_retrained"], row["others_taken"]]).all()
    text = readable.response(rows(said, 50)).iloc[0]
    assert text["recall"] == text["AUROC"] == text["attack retrained"] == ""


def test_a_study_is_a_scenario_with_several_numbers_of_leaked_images_in_their_order():
    found = tables.studies(pd.concat([table(100, 0, 25), table(50, classes=3)]))
    assert found.keys() == {"5-high"}
    assert list(found["5-high"]["leaked"]) == [0, 25, 100]


def test_people_read_shares_in_percent_and_costs_against_full_retraining():
    text = readable.response(table(50)).iloc[0]
    assert text["recall"] == "80.0"
    assert text["others taken, averaged logits"] == "25.0"
    assert (text["AUROC"], text["attack before"], text["attack, control"]) == ("0.970", "0.60", "")
    assert text["exact cost"] == "150.0"


def test_the_picture_has_a_point_for_each_number_and_leaves_out_what_is_empty():
    figure = figures.response(pd.concat([table(0, attacked=False), table(5, 50)]))
    knowledge, auroc, attack, cost = figure.axes
    assert [label.get_text() for label in cost.get_xticklabels()] == ["0", "5", "50"]
    assert drawn(knowledge, "retrained") == [80, 80, 80]
    assert drawn(cost, "exactly, every copy") == pytest.approx([150, 150, 150])
    assert drawn(auroc, "retrained") == [0.97] * 3
    assert pd.isna(drawn(attack, "retrained")[0])


def drawn(axes, label):
    (line,) = (each for each in axes.lines if each.get_label() == label)
    return list(line.get_ydata())


def test_over_seeds_a_line_goes_through_the_means_and_each_run_is_a_dot():
    runs = pd.concat([table(5, 50), table(5, 50).assign(run=1, forgotten_retrained=0.9)])
    text = readable.response(runs).iloc[1]
    assert (text["n"], text["leaked"], text["residual copies"]) == (2, "50", "200")
    assert text["recall"] == "85.0 ± 63.5"
    knowledge = figures.response(runs).axes[0]
    assert drawn(knowledge, "retrained") == pytest.approx([85, 85])
    dots = next(line for line in knowledge.lines if line.get_marker() == "o" and line.get_color() == figures.RED)
    assert sorted(dots.get_ydata()) == pytest.approx([80, 80, 90, 90])


def test_a_study_by_kind_of_leakage_counts_near_copies_and_runs_from_before_have_none():
    said = {kind: metrics() for kind in ("flip", "copy")}
    said["flip"]["retrained"] |= {"residual_copies": 0, "residual_near_copies": 200}
    known = [tables.keys(Scenario(5, "high", kind=kind)) | {"kind": kind} for kind in said]
    every = tables.response(together([tidy(each) for each in said.values()], known), tables.BY_KIND)
    found = tables.studies(every, "kind")["5-high"]
    assert found["kind"].tolist() == ["copy", "flip"]
    assert found[["residual_copies", "residual_near_copies"]].to_numpy().tolist() == [[200, 0], [0, 200]]
    text = readable.kinds(found)
    assert text.columns[:3].tolist() == ["kind", "residual near copies", "residual copies"]
    assert text["recall"].tolist() == ["80.0", "80.0"]
