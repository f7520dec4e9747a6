"""The results page holds what the runs say, and all that it needs."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from sisa.publishing import runs
from sisa.publishing.page.charts import FIGURES
from sisa.publishing.page.marks import ATTACKS, OF_METRICS, OF_RUNS, table
from sisa.publishing.page.render import WORDS, between, digest, label, page, picked, scenarios
from sisa.publishing.palette import COLOURS

ROOT = Path(__file__).parents[3]


@pytest.fixture
def run(monkeypatch, attacked):
    """The committed run, attacked."""
    monkeypatch.chdir(attacked)
    return runs.in_place()


def other_run(run, forgotten, **params):
    """The same run with another share of the forgotten class after retraining."""
    scores = run.metrics["retrained"]["held_out"]["prior_corrected"] | {"forgotten": forgotten}
    retrained = run.metrics["retrained"] | {"held_out": {"prior_corrected": scores}}
    return replace(run, metrics=run.metrics | {"retrained": retrained}, params=run.params | params)


def value(rows, **where):
    (found,) = rows.loc[(rows[list(where)] == pd.Series(where)).all(axis=1), ["value", "low", "high"]].to_numpy()
    return found


def test_a_figure_shows_what_the_metrics_say(run):
    rows = table("states", [run])
    share = run.metrics["after"]["held_out"]["mean_logits"]["forgotten"]
    assert value(rows, panel="forgotten", row="after", aggregation="mean_logits")[0] == share
    assert value(rows, panel="forgotten", row="baseline_retrained", aggregation="")[0] == 0


@pytest.mark.parametrize("name", [name for name in (*OF_METRICS, *OF_RUNS, *ATTACKS) if name != "response"])
def test_each_figure_has_rows_and_each_mark_is_there_once(run, name):
    rows = table(name, [run])
    assert len(rows)
    assert rows[["panel", "row", "series"]].notna().all(axis=None)
    assert not rows.duplicated(["group", "aggregation", "panel", "row", "series", "at"]).any()


def test_the_leakage_matrix_is_that_of_the_parameters(run):
    rows = table("leakage", [run])
    assert value(rows, row="cat", series="cat")[0] == run.params["leakage"]["dominant"]
    assert value(rows, row="cat", series="dog")[0] == run.params["leakage"]["leaked"]


def test_shards_of_random_images_have_no_leakage_matrix_and_the_page_is_made_all_the_same(run):
    random = replace(run, params=run.params | {"sharding": {"kind": "iid"}, "shards": ["iid-1", "iid-2"]})
    assert table("leakage", [random]).empty
    assert len(table("leakage", [random, run])) == len(table("leakage", [run]))
    assert "</html>" in page([random])


def test_the_confusion_matrix_counts_all_held_out_images_of_a_class(run):
    rows = table("confusion", [run])
    assert set(rows.groupby(["panel", "row"])["value"].sum()) == {run.params["dataset"]["test_per_class"]}


def test_several_seeds_become_a_mean_with_the_lowest_and_the_highest_run(run):
    rows = table("states", [other_run(run, 0.2), other_run(run, 0.4, seed=1)])
    assert value(rows, panel="forgotten", row="retrained", aggregation="prior_corrected") == pytest.approx(
        (0.3, 0.2, 0.4)
    )
    assert table("states", [run])["low"].isna().all()


def test_one_run_has_the_interval_of_its_attack(run):
    attack = run.metrics["attacks"]["population"]["retrained"]["prior_corrected"]["leaked"]
    shown = value(table("population", [run]), panel="leaked", row="retrained", aggregation="prior_corrected")
    assert list(shown) == pytest.approx([attack["auc"], attack["low"], attack["high"]], abs=1e-4)


def test_equal_runs_on_the_same_images_are_no_more_evidence_than_one(run):
    """A t-interval over them would be empty."""
    one, same = (table("population", runs) for runs in ([run], [run, other_run(run, 0.4, seed=1)]))
    where = {"panel": "leaked", "row": "retrained", "aggregation": "prior_corrected"}
    assert value(same, **where) == pytest.approx(value(one, **where), abs=1e-6)


def test_how_many_runs_a_scenario_stands_for_is_told(run):
    assert scenarios([run])[0]["runs"] == "one run (seed 0)"
    assert scenarios([run])[0]["forgotten"] == "cat"
    several = replace(run, params=run.params | {"forget": {"class": ["cat", "dog"], "scope": "dominant"}})
    assert scenarios([several])[0]["forgotten"] == "cat and dog"
    (both,) = scenarios([run, other_run(run, 0.4, seed=1)])
    assert both["runs"] == "means of n = 2 independent runs, with the lowest and the highest run"


def test_a_scenario_of_a_level_as_it_is_is_shown_first(run):
    assert picked(["5-high-leaked0", "5-high", "5-low"]) == "5-high"
    assert picked(["5-high-leaked0"]) == "5-high-leaked0"
    assert re.search(r'<option value="workspace" selected>', page([run]))


def test_scenarios_in_which_others_are_taken_for_the_class_are_flagged(run):
    def notes(taken):
        scores = run.metrics["retrained"]["held_out"]["prior_corrected"] | {"others_taken": taken}
        retrained = run.metrics["retrained"] | {"held_out": {"prior_corrected": scores}}
        rows = table("overview", [replace(run, metrics=run.metrics | {"retrained": retrained})])
        return rows.loc[rows["series"] == "retrained", "note"].tolist()

    assert notes(0.027) == ["others 2.7%"]
    assert notes(0.999) == ["⚠ others 99.9%"]


def test_the_response_to_leakage_needs_two_numbers_of_leaked_images(run):
    assert table("response", [run, other_run(run, 0.4, seed=1)]).empty
    less = replace(run, scenario="less", params=run.params | {"leakage": run.params["leakage"] | {"leaked": 10}})
    assert list(dict.fromkeys(table("response", [run, less])["at"])) == [10, 50]


def test_a_run_without_attacks_is_shown_without_them(run):
    lacking = replace(run, metrics={name: run.metrics[name] for name in runs.NEEDED}, plots={}, attacked=None)
    assert table("lira", [lacking]).empty
    assert page([lacking])


def test_an_undecided_state_is_said_to_be_so():
    nan = float("nan")
    assert label(nan, "percent", None) == "undecided"


def test_values_are_read_with_unit_and_note_and_their_range_apart():
    assert label(0.978, "percent", "saw 50") == "97.8 %, saw 50"
    assert label(2212, "count", None) == "2,212"
    assert between(0.4, 0.6, "percent") == "40.0 to 60.0 %"
    assert between(0.596, 0.702, "score") == "0.596 to 0.702"
    assert between(float("nan"), float("nan"), "score") is None


def test_the_same_runs_make_the_same_bytes_without_an_address_to_fetch_from(run):
    text = page([run])
    assert page([run]) == text
    assert not re.search(r'<(script|link|img|iframe)[^>]+(src|href)="(?!data:,)', text.split("<script")[0])
    assert str(ROOT) not in text


def test_the_policy_forbids_connections_and_names_each_script(run):
    text = page([run])
    scripts = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    assert len(scripts) == 2
    assert "default-src 'none'; script-src " + " ".join(map(digest, scripts)) + ";" in text


def test_data_cannot_end_the_script_that_holds_it(run):
    hostile = replace(run, label="</script><b>", params=run.params)
    held = re.search(r'id="data">(.*?)</script>', page([hostile]), flags=re.DOTALL).group(1)
    assert json.loads(held)["scenarios"][0]["label"] == "</script><b>"


def test_every_table_has_a_figure_and_every_colour_that_a_legend_shows():
    assert {figure.name for figure in FIGURES} == {*OF_METRICS, *OF_RUNS, *ATTACKS}
    assert {name for figure in FIGURES for name in figure.legend} <= COLOURS.keys()


def test_every_aggregation_is_explained(run):
    assert set(run.table["aggregation"]) - {""} <= WORDS.keys()
