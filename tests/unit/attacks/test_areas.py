"""Over independent runs, AUCs and their changes have intervals that count each image once; rates have exact ones."""

import numpy as np
import pytest
from scipy import stats

from sisa.attacks.areas import areas, changes, independent, of_one_run, rates, share_of
from sisa.attacks.scores import Scores

LEAKED = ("population", "before", "mean_logits", "leaked")
POOL = np.array([f"image{number:03}" for number in range(200)])


def run(seed, before=0.5, after=1.0, images=40):
    """One run: 40 images that were trained on against 60 others of a pool; the states ask about the same images."""
    noise = np.random.default_rng(seed + 1)
    drawn = noise.permutation(len(POOL))[:100]
    own = np.random.default_rng(0).normal(0, 1, len(POOL))[drawn]
    found = {}
    for target, apart in {"before": before, "after": after, "baseline_full": 0.0}.items():
        scores = own + noise.normal(0, 0.3, 100)
        scores[:images] += apart
        aggregation = "" if target == "baseline_full" else "mean_logits"
        names = POOL[drawn]
        sides = Scores(scores[:images], scores[images:], names[:images], names[images:])
        found["population", target, aggregation, "leaked"] = sides
    return found


def of_scores(ins, outs, attack="lira"):
    names = np.arange(len(ins) + len(outs)).astype(str)
    sides = Scores(np.asarray(ins, float), np.asarray(outs, float), names[: len(ins)], names[len(ins) :])
    return (attack, "before", "mean_logits", "leaked"), [sides]


def test_an_area_has_its_runs_their_mean_and_an_interval_around_it():
    rows = areas([run(0), run(1), run(2)])
    assert [row["target"] for row in rows] == ["before", "after", "baseline_full"]
    row = rows[0]
    each = [float(value) for value in row["each"].split()]
    assert len(each) == row["runs"] == 3
    assert row["auc"] == pytest.approx(np.mean(each), abs=1e-3)
    assert row["low"] < row["auc"] < row["high"]
    assert (row["images"], row["held_out"]) == (40, 60)


def test_a_change_is_paired_so_that_what_an_image_does_in_both_states_drops_out():
    runs = [run(seed) for seed in range(10)]
    (change,) = changes(runs)
    before, after, _ = areas(runs)
    assert (change["attack"], change["target"], change["against"]) == ("population", "after", "before")
    assert change["change"] == pytest.approx(after["auc"] - before["auc"])
    unpaired = np.hypot(after["high"] - after["low"], before["high"] - before["low"])
    assert change["high"] - change["low"] < unpaired / 2
    assert change["low"] > 0


def test_where_nothing_changed_there_is_no_change():
    same = run(0)[LEAKED]
    runs = [{LEAKED: same, ("population", "retrained", "mean_logits", "leaked"): same}] * 2
    (change,) = changes(runs)
    assert (change["change"], change["low"], change["high"]) == (0, 0, 0)


def test_an_area_that_a_run_lacks_is_that_of_the_others():
    """As LiRA's, where some runs of a scenario were attacked without shadow ensembles."""
    less = {place: scores for place, scores in run(1).items() if place[1] != "after"}
    mixed, without = [run(0), less, run(2)], [run(0), run(2)]
    before, after, _ = areas(mixed)
    assert (before["runs"], after["runs"]) == (3, 2)
    assert after == areas(without)[1]
    assert changes(mixed) == changes(without)
    assert [row["target"] for row in areas([less, run(0)])] == ["before", "baseline_full", "after"]


def test_a_change_has_the_degrees_of_freedom_of_the_state_with_fewer_images():
    """Canaries are asked of all shadow ensembles, and of one exactly retrained ensemble."""
    many = run(0)[LEAKED]
    few = Scores(many.ins[:5], many.outs[:5], many.in_images[:5], many.out_images[:5])
    wide, narrow = (
        changes(
            [{("lira", "retrained", "mean_logits", "canary"): one, ("lira", "before", "mean_logits", "canary"): other}]
        )
        for one, other in ((many, few), (few, many))
    )
    assert wide[0]["high"] - wide[0]["low"] == pytest.approx(narrow[0]["high"] - narrow[0]["low"])


def test_one_percent_of_a_hundred_may_be_accused():
    place, found = of_scores([98.5, 97.0, 99.5], np.arange(100.0))
    assert rates(place, found)["tpr_at_1_percent"] == pytest.approx(2 / 3)
    assert "tpr_at_1_percent" not in rates(place, of_scores([97.5, 99.5], np.arange(99.0))[1])


def test_runs_together_have_images_enough_for_one_in_a_thousand():
    place, found = of_scores(np.full(50, 2.0), np.linspace(-1, 1, 500))
    assert "tpr_at_0.1_percent" not in rates(place, found)
    assert rates(place, found * 2)["tpr_at_0.1_percent"] == 1


@pytest.mark.parametrize(("rate", "images"), [(0, 6), (2 / 3, 3), (1, 50), (0.3, 10)])
def test_the_interval_of_a_share_is_that_of_clopper_and_pearson(rate, images):
    exact = stats.binomtest(round(rate * images), images).proportion_ci(method="exact")
    assert share_of(rate, images) == pytest.approx((exact.low, rate, exact.high))


def test_images_of_several_runs_count_for_as_many_as_are_independent():
    assert independent(np.array(["a", "b", "c"])) == 3
    assert independent(np.array(["a", "b"] * 5)) == 2
    assert 2 < independent(np.array(["a", "a", "b", "c"])) < 3


@pytest.mark.parametrize(("runs", "images", "others", "apart"), [(10, 50, 180, 2), (10, 50, 180, 0), (5, 44, 44, 1)])
def test_the_interval_of_a_rate_holds_the_share_at_exactly_one_percent(runs, images, others, apart):
    """Runs draw from one pool, and each has a level of its own. The truth is the share found at the threshold that 1 %
    of all images in all runs are above."""
    noise, covered, widths = np.random.default_rng(0), [], []
    spread = np.sqrt(1 + 0.2**2)
    truth = stats.norm.sf(stats.norm.isf(0.01) - apart / spread)
    for _ in range(100):
        own, drawn = noise.normal(0, np.sqrt(0.7), 992), []
        for _ in range(runs):
            place = noise.permutation(992)[: images + others]
            scores = own[place] + noise.normal(0, np.sqrt(0.3), len(place)) + noise.normal(0, 0.2)
            names = place.astype(str)
            drawn.append(Scores(scores[:images] + apart, scores[images:], names[:images], names[images:]))
        found = rates(LEAKED, drawn)
        covered.append(found["tpr_at_1_percent_low"] <= truth <= found["tpr_at_1_percent_high"])
        widths.append(found["tpr_at_1_percent_high"] - found["tpr_at_1_percent_low"])
    assert np.mean(covered) >= 0.95
    assert np.mean(widths) < 0.5


def test_one_run_cannot_tell_what_is_found_at_one_percent_of_a_hundred_images():
    """None of all images might be above the highest of the hundred."""
    place, found = of_scores(np.full(50, 0.5), np.linspace(-1, 1, 100))
    assert rates(place, found)["tpr_at_1_percent_low"] == 0


def test_epsilon_is_what_both_rates_leave_possible_and_nothing_where_the_attack_guesses():
    place, found = of_scores(np.repeat([1.0, -1.0], [80, 20]), np.repeat([1.0, -1.0], [20, 80]))
    result = rates(place, found)
    assert result["epsilon"] == pytest.approx(np.log(4))
    assert 0 < result["epsilon_low"] < result["epsilon"]
    place, found = of_scores(np.repeat([1.0, -1.0], 50), np.repeat([1.0, -1.0], 50))
    assert rates(place, found)["epsilon_low"] == 0


def test_an_attack_that_is_always_right_has_a_bound_and_no_epsilon():
    place, found = of_scores(np.ones(50), -np.ones(50))
    assert "epsilon" not in rates(place, found)
    assert rates(place, found)["epsilon_low"] > 2


def test_only_a_likelihood_ratio_has_a_threshold_of_its_own():
    assert "epsilon_low" not in rates(*of_scores([1.0], [0.0], attack="population"))


def test_images_with_several_scores_have_no_rates():
    names = np.array(["a", "a", "b"])
    assert rates(LEAKED, [Scores(np.ones(3), np.zeros(3), names, names)]) == {}


def test_a_metrics_file_holds_them_by_attack_target_aggregation_and_origin():
    found = of_one_run(run(0))["population"]
    assert found["before"]["mean_logits"]["leaked"]["images"] == 40
    assert found["baseline_full"]["leaked"].keys() == {"images", "held_out", "auc", "low", "high"}
