"""The leakage response: one row a scenario, one study where the number of leaked images varies, one picture."""

import pandas as pd
import pytest

from sisa import response, response_picture, results
from sisa.scenarios import Scenario


def metrics(leaked=50, forgotten=0.8, lira=True):
    held_out = {name: {"overall": 0.9, "forgotten": forgotten} for name in ("prior_corrected", "mean_logits")}
    found = {"auc": 0.6, "auc_low": 0.5, "auc_high": 0.7}
    return {
        "params": {"leakage": {"leaked": leaked}, "forget": {"class": "cat"}},
        "confusion": [("cat", "cat"), ("dog", "cat"), ("dog", "dog"), ("cow", "cow"), ("cow", "dog")],
        "before": {"held_out": held_out},
        "retrained": {"held_out": held_out, "residual_copies": 200},
        "baseline": {"baseline_full": {"held_out": {"overall": 0.95}}},
        "cost": {
            "scope": {"dominant": {"samples": 100}, "all": {"samples": 900}},
            "baseline_retrained": {"samples": 600},
        },
        "attacks": {"lira": {"retrained": {"leaked": found}, "reference": {"leaked": found}}} if lira else {},
    }


def table(*leaked, classes=5, **options):
    rows = [pd.DataFrame(response.rows(metrics(number, **options))) for number in leaked]
    return pd.concat([results.keyed(Scenario(classes, "high"), row) for row in rows], ignore_index=True)


def test_a_row_says_what_is_known_at_what_accuracy_attack_and_cost():
    (row,) = response.rows(metrics())
    assert row["forgotten_retrained"] == 0.8
    assert row["others_taken_for_it"] == 0.25
    assert row["lira_auc_low"] == 0.5
    assert (row["samples_dominant"], row["samples_all"], row["samples_full"]) == (100, 900, 600)


def test_what_was_not_attacked_or_not_decided_is_empty():
    said = metrics(lira=False)
    said["retrained"]["held_out"]["prior_corrected"] = {"undecided": 1.0}
    said["confusion"] = [("cat", "undecided"), ("dog", "undecided")]
    (row,) = response.rows(said)
    assert pd.isna(row["lira_auc"])
    assert pd.isna(row["forgotten_retrained"])
    assert pd.isna(row["others_taken_for_it"])
    text = response.readable(pd.DataFrame([row])).iloc[0]
    assert text["retrained"] == text["LiRA on leaked"] == ""


def test_a_study_is_a_scenario_with_several_numbers_of_leaked_images_in_their_order():
    found = response.studies(pd.concat([table(100, 0, 25), table(50, classes=3)]))
    assert found.keys() == {"5-high"}
    assert list(found["5-high"]["leaked"]) == [0, 25, 100]


def test_people_read_shares_in_percent_and_costs_against_full_retraining():
    text = response.readable(table(50)).iloc[0]
    assert text["retrained"] == "80.0"
    assert text["LiRA on leaked"] == "0.60 (0.50 to 0.70)"
    assert text["exact cost"] == "150.0"


def test_the_picture_has_a_point_for_each_number_and_leaves_out_what_is_empty():
    figure = response_picture.draw(pd.concat([table(0, lira=False), table(5, 50)]))
    knowledge, _, attack, cost = figure.axes
    assert [label.get_text() for label in cost.get_xticklabels()] == ["0", "5", "50"]
    assert drawn(knowledge, "retrained") == [80, 80, 80]
    assert drawn(cost, "exactly, every copy") == pytest.approx([150, 150, 150])
    assert pd.isna(drawn(attack, "retrained")[0])


def drawn(axes, label):
    (line,) = (each.lines[0] for each in axes.containers if each.get_label() == label)
    return list(line.get_ydata())


def test_over_seeds_intervals_are_those_of_the_runs():
    runs = pd.concat([table(5, 50), table(5, 50).assign(seed=1, forgotten_retrained=0.9, lira_auc=0.7)])
    text = response.readable(runs).iloc[1]
    assert (text["n"], text["leaked"], text["residual copies"]) == ("2 (seed)", "50", "200")
    assert text["retrained"] == "85.0 ± 63.5"  # t of one degree of freedom, 12.706, times 0.1 / 2
    assert text["LiRA on leaked"] == "0.65 (0.01 to 1.29)"
    unattacked = pd.concat([runs, table(50, lira=False).assign(split_seed=1)])
    assert response.readable(unattacked).iloc[1]["LiRA on leaked"] == text["LiRA on leaked"]
    knowledge = response_picture.draw(runs).axes[0]
    assert drawn(knowledge, "retrained") == pytest.approx([85, 85])
