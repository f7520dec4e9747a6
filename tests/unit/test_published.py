"""What README says is rows of the committed tables, and what docs say of their intervals holds."""

from pathlib import Path

import pandas as pd
import pytest

from sisa.evaluation.intervals import half_width
from sisa.publishing.tables import read

ROOT = Path(__file__).parents[2]
README = " ".join((ROOT / "README.md").read_text().split())
DATASETS = ("animal_mnist", "animals10")


def rows(kind, name, **where):
    table = read(ROOT / f"results/{kind}/{name}.csv")
    return table.loc[(table[list(where)] == pd.Series(where)).all(axis=1)]


def row(kind, name, **where):
    (found,) = rows(kind, name, **where).to_dict("records")
    return found


def known(level, aggregation, measure, state="retrained"):
    """Of each run of five classes of silhouettes."""
    where = {"classes": 5, "leakage": level, "scope": "dominant", "state": state, "aggregation": aggregation}
    return rows("recognition", "animal_mnist", **where)[measure]


def test_what_is_left_of_the_cats_is_what_was_measured():
    high, low = (share(known(level, "prior_corrected", "forgotten")) for level in ("high", "low"))
    assert f"names {high} of the held-out silhouettes of cats at level high, and {low} at level low" in README
    averaged = f"{known('low', 'mean_logits', 'forgotten').mean():.1%}"[:-1]
    assert f"names {averaged} % of them at level low" in README
    assert f"with AUROC {known('low', 'mean_logits', 'forgotten_auroc').mean():.3f}. " in README
    never = known("low", "", "forgotten_auroc", "baseline_retrained").mean()
    assert f"A model that never saw a cat has {never:.3f}" in README
    assert f"copies has {known('low', '', 'forgotten_auroc', 'baseline_leaked').mean():.3f}" in README


def share(of_runs):
    return f"{of_runs.mean() * 100:.1f} ± {half_width(of_runs) * 100:.1f} %"


def areas(name, **where):
    found = row("areas", name, **{"classes": 5, "leakage": "high", "scope": "dominant", "origin": "leaked"} | where)
    return f"{found['auc']:.2f} ({found['low']:.2f} to {found['high']:.2f})"


def test_what_attackers_find_is_told_with_intervals():
    lira = {"attack": "lira", "aggregation": "mean_logits"}
    before, retrained, exact = (
        areas("animal_mnist", target=state, **lira) for state in ("before", "retrained", "retrained_exact")
    )
    assert f"is {before} before, {retrained} retrained, and {exact} once every copy is forgotten" in README
    runs = row(
        "areas", "animal_mnist", classes=5, leakage="high", scope="dominant", origin="leaked", target="before", **lira
    )
    assert f"(95 % intervals; {runs['runs']} runs; 0.5 is guessing)" in README


def test_the_photo_finding_is_the_paired_difference_by_two_aggregations():
    where = {"attack": "population", "origin": "leaked", "scope": "dominant", "target": "retrained"}
    where |= {"against": "before", "leakage": "high", "classes": 5}
    changes = [row("changes", "animals10", aggregation=name, **where) for name in ("prior_corrected", "mean_logits")]
    ours, averaged = (f"{each['change']:+.2f} ({each['low']:+.2f} to {each['high']:+.2f})" for each in changes)
    assert f"The paired difference is {ours}; by averaged logits it is {averaged}" in README


def test_exact_forgetting_costs_what_was_counted():
    table = read(ROOT / "results/answer/animal_mnist.csv")
    means = (table["samples_all"] / table["samples_full"]).groupby([table["classes"], table["leakage"]]).mean()
    of = [f"{means[key] * 100:.0f} %" for key in ((5, "high"), (5, "low"), (3, "high"), (3, "low"))]
    text = (
        "takes {} of the samples of one conventional model at level high, and {} at level low; in 3 classes {} and {}"
    )
    assert text.format(*of) in README


def test_what_a_run_counted_is_what_was_predicted_of_exact_forgetting():
    answer = row("answer", "animal_mnist", classes=5, leakage="high", scope="dominant", run=0)
    table = pd.read_csv(ROOT / "benchmarks/exactness.csv").set_index(["classes", "leakage"])["exact / again"]
    assert f"{answer['samples_all'] / answer['samples_full']:.0%}" == table[5, "high"]


def test_the_readme_is_read_in_two_minutes():
    words = (ROOT / "README.md").read_text().split()
    assert sum(any(letter.isalpha() for letter in word) for word in words) <= 1200


def test_of_the_intervals_where_nothing_can_be_found_at_most_one_in_ten_excludes_one_half():
    """Images that no model saw, and models that saw no copy of the class."""
    found = pd.concat([read(ROOT / f"results/areas/{name}.csv") for name in DATASETS])
    of_class = found["origin"].isin(["dominant", "leaked", "canaries", "never_seen"])
    null = found[of_class & found["target"].isin(["baseline_retrained", "retrained_exact"])]
    null = pd.concat([null, found[(found["origin"] == "never_seen") & ~found.index.isin(null.index)]])
    assert len(null) >= 76
    assert ((null["low"] > 0.5) | (null["high"] < 0.5)).mean() <= 0.1


RULES = {
    "as before": "as before: smoothing left in, priors not shrunk",
    "priors not shrunk": "priors not shrunk",
    "smoothing left in": "smoothing left in",
    "shrunk by 5": "shrunk by 5 images in place of 20",
    "shrunk by 50": "shrunk by 50",
    "shrunk evidence": "also evidence shrunk, by n / (n + 20)",
    "rarer weights": "weights by the rarer class",
    "prior_corrected": "`prior_corrected` now",
    "mean_logits": "`mean_logits`",
}


@pytest.mark.parametrize("rule", RULES)
def test_the_rules_that_were_held_against_each_other_are_those_of_the_benchmark(rule):
    table = pd.read_csv(ROOT / "benchmarks/aggregations-animal_mnist.csv")
    table = table[table["rule"] == rule].set_index(["leakage", "leaked"])
    cells = [
        table.loc[key, f"{state}{what}"]
        for key, state in ((("high", 5), "after"), (("low", 5), "before"))
        for what in ("_recall", "_taken", "")
    ]
    mean = table[["before", "after"]].to_numpy().mean()
    text = " | ".join(f"{cell:.1%}" for cell in [*cells, mean]).replace("%", " %")
    assert f"| {RULES[rule]} | {text} |" in (ROOT / "docs/results.md").read_text()


def test_what_is_said_of_the_accuracy_of_exact_precision_is_what_was_measured():
    table = pd.read_csv(ROOT / "benchmarks/precision_accuracy-animal_mnist.csv").set_index("model")
    text = " ".join((ROOT / "docs/reproducibility.md").read_text().split())
    assert "Every mean is within 0.3 points of float32, and every interval contains 0" in text
    assert (table["difference"].abs() <= 0.3).all()
    assert (table["difference"].abs() <= table["±"]).all()
    losses = table.index[table["difference"] - table["±"] <= -0.5]
    assert "a loss of half a point is not ruled out for {} and {}.".format(*(f"`{each}`" for each in losses)) in text


def test_streams_of_random_requests_cost_what_the_closed_form_says_within_one_percent():
    table = pd.read_csv(ROOT / "benchmarks/stream.csv").set_index("slices")
    assert {2, 8} < set(table.index)
    assert (table["stream against it"].str.rstrip("%").astype(float).abs() <= 1).all()
    assert (table["standard error"] <= 0.003 * table["closed form"]).all()
    text = " ".join((ROOT / "docs/cost.md").read_text().split())
    two, eight = (table.loc[slices, "the stream saves"].replace("%", " %") for slices in (2, 8))
    assert f"saves {two} of that with two slices and {eight} with eight" in text
    times = table.loc[2, "stream"] / table.loc[2, "dvc repro once"]
    assert f"`dvc repro` once for 100 of them is {times:.0f} times cheaper still" in text


def test_what_random_shards_cost_is_what_was_measured():
    text = " ".join((ROOT / "docs/leakage.md").read_text().split())
    table = read(ROOT / "results/sharding/animal_mnist.csv").groupby(["sharding", "leakage"])
    random, high = (table.get_group(key).mean(numeric_only=True) for key in (("iid", "none"), ("classes", "high")))
    assert f"takes {random['samples_class']:,.0f} samples, more than one conventional model" in text
    assert f"model anew ({random['samples_full']:,.0f}), where class shards take {high['samples_class']:,.0f}" in text
    one, other = (f"{each['samples_one_image']:,.0f}" for each in (random, high))
    assert f"random shards: {one} samples against {other} at level high" in text


def test_what_unlearners_leave_is_what_was_measured():
    text = " ".join((ROOT / "docs/unlearners.md").read_text().split())
    table = pd.read_csv(ROOT / "benchmarks/unlearners.csv").set_index(["target", "unlearner"])
    approximate = table[~table.index.get_level_values(1).isin(["again", "before", "exact"])]
    assert not approximate.loc["conventional", "close"].any()
    assert approximate.loc["members", "close"].sum() >= 16
    ends = approximate.loc["conventional", "auroc"].groupby("unlearner").agg(["min", "max"])
    known, other = ends.loc[["finetune", "l1_sparse", "random_labels", "salun"]], ends.loc[["neggrad", "scrub"]]
    assert f"AUROC of {known['min'].min():.2f} to {known['max'].max():.3f}, where the exact reference has " in text
    assert f"has {table.loc[('conventional', 'exact'), 'auroc']:.2f}." in text
    assert f"overshoot: {other['min'].min():.2f} to {other['max'].max():.2f}" in text
    assert f"takes {table.loc[('members', 'exact'), 'samples']:,.0f} samples" in text
    assert f"with {approximate.loc['members', 'samples'].min():.0f} samples: one of five members changes" in text
