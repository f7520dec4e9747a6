"""The tables that people read are those of the runs."""

import json
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer

from sisa.commands.results import read_table
from sisa.publishing import picture, results, tables
from sisa.scenarios.grid import Scenario

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "results").glob("*.csv"))
SCORE = {"overall": 0.9, "forgotten": 0.25, "retained": 0.95, "class": {"cat": 0.25}}


def rows(metrics):
    return pd.DataFrame(results.rows(metrics))


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
    wide = results.pivot(rows(metrics()))
    assert list(wide.columns) == ["state", "members", "prior_corrected", "mean_logits"]
    assert list(wide["prior_corrected"]) == ["-"] * 3 + ["90.0 (25.0)"]
    assert list(wide["mean_logits"]) == ["90.0 (25.0)"] * 4


def test_without_a_request_there_is_no_forgotten_share():
    nothing_forgotten = {name: value for name, value in SCORE.items() if name == "overall"}
    assert set(results.pivot(rows(metrics(nothing_forgotten)))["mean_logits"]) == {"90.0"}


def over(*seeds):
    """Two runs that differ in these seeds, with 0.8 and 0.9 right overall."""
    tables = [
        results.keyed(Scenario(5, "high", **dict.fromkeys(seeds, number)), rows(metrics(share)))
        for number, share in enumerate([SCORE | {"overall": 0.8}, SCORE])
    ]
    return pd.concat(tables, ignore_index=True)


def test_several_seeds_are_read_as_mean_and_standard_deviation():
    wide = results.pivot(over("seed").drop(columns="dataset"))
    assert list(wide.columns) == ["classes", "leakage", "state", "members", "n", "prior_corrected", "mean_logits"]
    assert set(wide["mean_logits"]) == {"85.0 ± 7.1 (25.0 ± 0.0)"}
    assert list(wide["prior_corrected"])[:3] == ["-"] * 3


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (["seed"], "2 (seed)"),
        (["split_seed"], "2 (split_seed)"),
        (["seed", "split_seed"], "2 (seed, split_seed)"),
    ],
)
def test_the_table_says_how_many_runs_and_which_seed_varied(seeds, said):
    assert set(results.pivot(over(*seeds))["n"]) == {said}


def test_one_seed_is_read_as_it_is():
    one = over("seed").query("seed == 0").drop(columns="dataset")
    assert list(results.pivot(one).columns) == [
        "classes",
        "leakage",
        "state",
        "members",
        "prior_corrected",
        "mean_logits",
    ]
    assert set(results.pivot(one)["mean_logits"]) == {"80.0 (25.0)"}


def test_runs_that_vary_one_seed_at_a_time_are_called_a_star():
    star = pd.DataFrame({"seed": [0, 1, 2, 0, 0], "split_seed": [0, 0, 0, 1, 2]})
    assert results.runs(star) == "5 (star)"
    assert results.runs(star.assign(split_seed=star["seed"])) == "3 (seed, split_seed)"


def test_there_are_result_files():
    assert {path.stem for path in FILES} >= {"animal_mnist", "animals10"}


def test_the_default_scenario_of_the_result_files_is_the_one_that_is_committed():
    table = read_table(ROOT / "results/animal_mnist.csv")
    default = table.query(
        "classes == 5 and leakage == 'high' and scope == 'dominant' and seed == 0 and split_seed == 0"
    )
    files = {name: pd.read_json(ROOT / "metrics" / f"{name}.json", typ="series").to_dict() for name in results.METRICS}
    pd.testing.assert_frame_equal(default[rows(files).columns.tolist()].reset_index(drop=True), rows(files))


def test_the_price_of_exactness_in_the_readme_is_the_committed_one():
    retrained, cost = (json.loads((ROOT / f"metrics/{name}.json").read_text()) for name in ("retrained", "cost"))
    cat = read_table(ROOT / "results/animal_mnist.csv").query(
        "classes == 5 and leakage == 'high' and split_seed == 0 and state == 'retrained' and "
        "aggregation == 'prior_corrected'"
    )["forgotten"]
    dominant, everywhere = (f"{cost['scope'][scope]['samples']:,}" for scope in ("dominant", "all"))
    full = f"{cost['baseline_retrained']['samples']:,}"
    readme = (ROOT / "README.md").read_text()
    copies = retrained["residual_copies"]
    assert f"(default) | {copies} | {results.percent(cat)} % | {dominant} | {full} |" in readme
    assert f"| {everywhere} | {full} |" in readme


def recognized(*shares):
    """results/recognition of runs with these recalls, by averaged logits; by prior_corrected nothing is decided."""
    scores = SCORE | {"others_taken": 0.1, "forgotten_auroc": 0.9}
    rows = [
        results.keyed(
            Scenario(5, "none", seed=seed),
            pd.DataFrame(tables.recognition_rows(metrics(scores | {"forgotten": share}))),
        )
        for seed, share in enumerate(shares)
    ]
    return pd.concat(rows)


def test_the_picture_shows_every_state_and_says_where_nothing_was_decided():
    averaged, corrected, auroc, _ = picture.draw(recognized(0.25)).axes
    assert [round(bar.get_height()) for bar in averaged.patches] == [25, 25, 25]
    assert [text.get_text() for text in corrected.texts] == ["undecided"] * 3
    assert [line.get_ydata()[0] for line in averaged.lines if line.get_marker() == "x"] == pytest.approx([10] * 3)
    assert [each.lines[0].get_ydata()[0] for each in auroc.containers] == [0.9] * 3


def test_the_picture_of_several_seeds_has_means_with_whiskers_to_the_lowest_and_highest_run():
    averaged, *_ = picture.draw(recognized(0.2, 0.3, 0.7)).axes
    assert [round(bar.get_height()) for bar in averaged.patches] == [40, 40, 40]
    whiskers = [bars for bars in averaged.containers if isinstance(bars, ErrorbarContainer)]
    (segment,) = whiskers[0].lines[2][0].get_segments()
    assert [y for _, y in segment] == pytest.approx([20, 70])
