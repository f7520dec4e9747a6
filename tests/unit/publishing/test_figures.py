"""The pictures of the results show every state, and where nothing was decided."""

import pandas as pd
import pytest
from matplotlib.container import ErrorbarContainer

from sisa.publishing import figures, tables
from sisa.publishing.metrics_table import tidy
from sisa.publishing.runs import together
from sisa.scenarios.grid import Scenario

SCORE = {"overall": 0.9, "retained": 0.95, "others_taken": 0.1, "forgotten_auroc": 0.9}


def metrics(forgotten):
    scores = SCORE | {"forgotten": forgotten}
    held_out = {"held_out": {"prior_corrected": {"undecided": 1.0}, "mean_logits": scores}}
    states = {state: {"members": 5, **held_out} for state in ("before", "after", "retrained")}
    return states | {"baseline": {"baseline_full": {"held_out": scores}}}


def recognized(*shares, level="none"):
    """results/recognition of runs with these recalls, by averaged logits; by prior_corrected nothing is decided."""
    known = [tables.keys(Scenario(5, level, run=run)) for run in range(len(shares))]
    return tables.recognition(together([tidy(metrics(share)) for share in shares], known))


def test_the_picture_shows_every_state_and_says_where_nothing_was_decided():
    averaged, corrected, auroc, _ = figures.recognition(recognized(0.25)).axes
    assert [round(bar.get_height()) for bar in averaged.patches] == [25, 25, 25]
    assert [text.get_text() for text in corrected.texts] == ["undecided"] * 3
    assert [line.get_ydata()[0] for line in averaged.lines if line.get_marker() == "x"] == pytest.approx([10] * 3)
    assert [each.lines[0].get_ydata()[0] for each in auroc.containers] == [0.9] * 3


def test_the_picture_of_several_seeds_has_means_with_whiskers_to_the_lowest_and_highest_run():
    averaged, *_ = figures.recognition(recognized(0.2, 0.3, 0.7)).axes
    assert [round(bar.get_height()) for bar in averaged.patches] == [40, 40, 40]
    whiskers = [bars for bars in averaged.containers if isinstance(bars, ErrorbarContainer)]
    (segment,) = whiskers[0].lines[2][0].get_segments()
    assert [y for _, y in segment] == pytest.approx([20, 70])


def test_one_figure_makes_the_same_bytes_again(tmp_path):
    for name in ("a.png", "b.png"):
        figures.save(figures.recognition(recognized(0.2, 0.3)), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize(
    ("levels_with_lira", "shown", "missing"),
    [(["low", "high"], 2, ["not run"]), (["high"], 1, ["not run", "not run"]), ([], 4, ["not run"])],
)
def test_the_answer_has_one_attack_and_says_where_it_was_not_run(levels_with_lira, shown, missing):
    where = {"classes": 5, "scope": "dominant", "aggregation": "mean_logits", "origin": "leaked"}
    where |= {"auc": 0.7, "low": 0.6, "high": 0.8}
    rows = [where | {"attack": "lira", "leakage": level, "target": "before"} for level in levels_with_lira]
    for level in ("low", "high"):
        rows += [where | {"attack": "population", "leakage": level, "target": each} for each in ("before", "retrained")]
    known = pd.concat([recognized(0.25, level=level) for level in ("low", "high", "neighbour")])
    _, attacked = figures.answer(known, pd.DataFrame(rows)).axes
    assert sum(isinstance(each, ErrorbarContainer) for each in attacked.containers) == shown
    assert [each.get_text() for each in attacked.texts if each.get_text() != "guessing"] == missing
    assert [tick.get_text().split(":")[0] for tick in attacked.get_xticklabels()] == ["neighbour", "low", "high"]
