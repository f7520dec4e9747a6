"""What README says on its first screen, and docs of their intervals, are rows of the committed tables."""

from pathlib import Path

import pandas as pd
import pytest
from scipy import stats

from sisa.publishing.readable import percent
from sisa.publishing.tables import read

ROOT = Path(__file__).parents[2]
README = " ".join((ROOT / "README.md").read_text().split("## Run it")[0].split())
IMAGES = {"silhouettes": "animal_mnist", "photos": "animals10"}


def rows(kind, name, **where):
    table = read(ROOT / f"results/{kind}/{name}.csv")
    return table.loc[(table[list(where)] == pd.Series(where)).all(axis=1)]


def row(kind, name, **where):
    (found,) = rows(kind, name, **where).to_dict("records")
    return found


@pytest.mark.parametrize("images", IMAGES)
@pytest.mark.parametrize("level", ["high", "low"])
def test_what_is_left_of_the_cats_is_told_by_two_aggregations_with_the_others_taken(images, level):
    where = {"classes": 5, "leakage": level, "state": "retrained"}
    cells = []
    for aggregation in ("prior_corrected", "mean_logits"):
        found = rows("recognition", IMAGES[images], aggregation=aggregation, **where)
        mean = found[["forgotten", "others_taken", "forgotten_auroc"]].mean()
        cells += [f"{mean['forgotten']:.1%}", f"{mean['others_taken']:.1%}", f"{mean['forgotten_auroc']:.3f}"]
    runs = len(found)
    assert f"| {images}, {level} | {runs} | {' | '.join(cells).replace('%', ' %')} |" in README


def test_a_recall_of_nought_is_told_with_the_auroc_that_goes_with_it():
    found = rows("recognition", "animal_mnist", classes=5, leakage="low", state="retrained", aggregation="mean_logits")
    recall, auroc = found["forgotten"], found["forgotten_auroc"].mean()
    assert f"name {recall.mean():.1%} of the cats".replace("%", " %") in README
    assert f"AUROC {auroc:.3f}" in README
    never_saw = rows("recognition", "animal_mnist", classes=5, leakage="low", state="baseline_retrained")
    assert f"never saw a cat does so with {never_saw['forgotten_auroc'].mean():.3f}" in README


@pytest.mark.parametrize("level", ["high", "low"])
def test_the_photo_finding_is_the_paired_difference_with_its_interval(level):
    where = {"classes": 5, "leakage": level, "attack": "population", "origin": "leaked"}
    before, after = (row("areas", "animals10", target=state, **where) for state in ("before", "after"))
    change = row("changes", "animals10", target="after", **where)
    assert change["low"] > 0
    assert min(map(float, change["each"].split())) > 0
    assert f"from {before['auc']:.2f} to {after['auc']:.2f}" in README
    assert f"{change['change']:+.3f} ({change['low']:+.3f} to {change['high']:+.3f})" in README


def test_the_controls_of_the_photo_finding_are_the_committed_ones():
    where = {"attack": "population", "target": "after", "origin": "never_seen"}
    changes = rows("changes", "animals10", **where)
    assert len(changes) == 4
    assert ((changes["low"] < 0) & (changes["high"] > 0)).all()
    assert f"between {changes['change'].min():+.3f} and {changes['change'].max():+.3f}" in README
    control = rows("areas", "animals10", attack="population", target="baseline_retrained", origin="leaked")
    assert f"{control['auc'].min():.2f} to {control['auc'].max():.2f}" in README


def test_exact_forgetting_costs_what_is_predicted():
    table = pd.read_csv(ROOT / "benchmarks/exactness.csv").set_index(["classes", "leakage"])["exact / again"]
    shares = [table[key].replace("%", " %") for key in ((5, "high"), (5, "low"), (3, "high"), (3, "low"))]
    assert (
        "{} of training one conventional model again at level high, and {} at level low".format(*shares[:2]) in README
    )
    assert "in 3 classes {} and {}".format(*shares[2:]) in README


def test_what_a_run_counted_is_what_was_predicted_of_exact_forgetting():
    response = read(ROOT / "results/response/5-high.csv").query("leaked == 50")
    exact = percent(response["samples_all"].head(1) / response["samples_full"].head(1))
    table = pd.read_csv(ROOT / "benchmarks/exactness.csv").set_index(["classes", "leakage"])["exact / again"]
    assert f"{float(exact):.0f}%" == table[5, "high"]


NEVER_TRAINED_ON = (  # target, origins, and whether its models are the same at every leakage level
    ("baseline_retrained", ("dominant", "leaked", "never_seen"), True),
    ("baseline_full", ("never_seen",), True),
    ("before", ("never_seen",), False),
    ("after", ("dominant", "never_seen"), False),
    ("retrained", ("dominant", "never_seen"), False),
)


def null_cells(distinct):
    """The AUCs of images that the attacked models were not trained on; once each, if those of equal or nearly equal
    models (baselines at another level, retrained beside after) are to be left out."""
    found = pd.concat([read(ROOT / f"results/areas/{name}.csv") for name in IMAGES.values()])
    found = found[found["attack"] == "population"]
    cells = []
    for target, origins, same in NEVER_TRAINED_ON:
        part = found[(found["target"] == target) & found["origin"].isin(origins)]
        if distinct and target == "retrained":
            continue
        cells.append(part[part["leakage"] == "high"] if distinct and same else part)
    return pd.concat(cells)


@pytest.mark.parametrize(("distinct", "least"), [(False, 76), (True, 40)])
def test_of_the_intervals_where_nothing_can_be_found_at_most_one_in_ten_excludes_one_half(distinct, least):
    null = null_cells(distinct)
    assert len(null) >= least
    assert ((null["low"] > 0.5) | (null["high"] < 0.5)).mean() <= 0.1
    each = null["each"].str.split(expand=True).astype(float)
    half_width = stats.t.ppf(0.975, each.shape[1] - 1) * each.sem(axis=1)
    assert (abs(each.mean(axis=1) - 0.5) > half_width).mean() > 0.2  # by the interval over seeds alone


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
    assert f"| {RULES[rule]} | {text} |" in (ROOT / "docs/attacks.md").read_text()


def test_what_is_said_of_the_accuracy_of_exact_precision_is_what_was_measured():
    table = pd.read_csv(ROOT / "benchmarks/precision_accuracy-animal_mnist.csv").set_index("model")
    text = " ".join((ROOT / "docs/reproducibility.md").read_text().split())
    assert "Every mean is within 0.3 points of float32, and every interval contains 0" in text
    assert (table["difference"].abs() <= 0.3).all()
    assert (table["difference"].abs() <= table["±"]).all()
    losses = table.index[table["difference"] - table["±"] <= -0.5]
    assert "a loss of half a point is not ruled out for {} and {}.".format(*(f"`{each}`" for each in losses)) in text
