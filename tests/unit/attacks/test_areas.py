"""Over runs that share their images, AUCs and their changes have intervals that count each image once."""

import numpy as np
import pandas as pd
import pytest

from sisa.attacks.areas import Attacked, areas, changes
from sisa.evaluation.roc import auc, influence


def run(seed, before=0.5, after=1.0, images=40):
    """One run: 40 images that were trained on against 60 others; the states ask about the same images."""
    generator = np.random.default_rng(0)
    own = generator.normal(0, 1, 100)
    names = np.array([f"image{number:03}" for number in range(100)])
    noise = np.random.default_rng(seed + 1)
    found, columns = {}, {}
    for target, apart in {"before": before, "after": after, "baseline_full": 0.0}.items():
        scores = own + noise.normal(0, 0.3, 100)
        scores[:images] += apart
        sides = scores[:images], scores[images:]
        found[target] = {"leaked": {"auc": auc(*sides), "images": images, "held_out": 100 - images}}
        columns[f"population/{target}/leaked"] = influence(*sides, names[:images], names[images:])
    return Attacked({"population": found}, pd.DataFrame(columns))


def test_an_area_has_its_runs_their_mean_and_an_interval_around_it():
    rows = areas([run(0), run(1), run(2)])
    assert [row["target"] for row in rows] == ["before", "after", "baseline_full"]
    row = rows[0]
    each = [float(value) for value in row["each"].split()]
    assert len(each) == row["runs"] == 3
    assert row["auc"] == pytest.approx(np.mean(each), abs=1e-3)
    assert row["low"] < row["auc"] < row["high"]
    assert (row["images"], row["held_out"]) == (40, 60)


def test_more_runs_on_the_same_images_do_not_make_up_for_more_images():
    one, many = (areas([run(seed) for seed in range(count)])[0] for count in (1, 12))
    assert many["high"] - many["low"] > 0.8 * (one["high"] - one["low"])


def test_a_change_is_paired_so_that_what_an_image_does_in_both_states_drops_out():
    runs = [run(seed) for seed in range(3)]
    (change,) = changes(runs)
    before, after, _ = areas(runs)
    assert (change["attack"], change["target"], change["origin"]) == ("population", "after", "leaked")
    assert change["change"] == pytest.approx(after["auc"] - before["auc"])
    assert change["high"] - change["low"] < (after["high"] - after["low"]) / 2
    assert change["low"] > 0


def test_where_nothing_changed_there_is_no_change():
    same = run(0)
    column = same.influence["population/before/leaked"]
    both = dict.fromkeys(("before", "retrained"), same.attacks["population"]["before"])
    table = pd.DataFrame({"population/before/leaked": column, "population/retrained/leaked": column})
    (change,) = changes([Attacked({"population": both}, table)] * 2)
    assert (change["change"], change["low"], change["high"]) == (0, 0, 0)


def test_an_area_that_a_run_lacks_is_left_out():
    less = run(1)
    attacks = {"population": {target: less.attacks["population"][target] for target in ("before", "after")}}
    assert [row["target"] for row in areas([run(0), Attacked(attacks, less.influence)])] == ["before", "after"]


def test_an_image_that_only_one_run_asked_about_adds_nothing_to_what_the_runs_share():
    def asked(*images):
        table = pd.DataFrame({"lira/before/leaked": [0.1, -0.1]}, index=list(images))
        return Attacked({"lira": {"before": {"leaked": {"auc": 0.6, "images": 9, "held_out": 9}}}}, table)

    (same,), (one,), (none,) = (areas([asked("a", "b"), asked(*other)]) for other in (("a", "b"), ("a", "c"), "cd"))
    assert same["high"] - same["low"] > one["high"] - one["low"] > none["high"] - none["low"] == 0
