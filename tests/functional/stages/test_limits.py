"""Scenarios at their limits, and the way from one to another."""

import json
import shutil

import pandas as pd
import pytest

FOLLOWS = ["baseline_retrained", "cost", "evaluate", "predict"]  # whatever else is unlearned
LOW = ("exp", "run", "-S", "leakage=low", "-S", "classes=3")


@pytest.mark.full
def test_no_class_to_forget_leaves_all_states_equal_and_scope_all_then_retrains_exactly_the_shards_with_cats(low):
    low.dvc(*LOW, "-S", "forget.class=null", "-S", "attacks=all")
    assert json.loads((low / "data/forget_set.json").read_text())["removed"] == {}
    assert low.metrics("before") == low.metrics("after") == low.metrics("retrained")
    assert low.metrics("cost")["retraining"]["samples"] == 0
    assert low.metrics("attacks") == {}
    assert low.metrics("retrained_exact")["retrained"]["mean_logits"]["tow"] == 1
    for name in low.params()["shards"]:
        trained, again = (low.files(f"models/{folder}/tiny-3/{name}").values() for folder in ("shards", "retrained"))
        assert list(trained) == list(again)

    low.empty_run_cache()
    executed = low.dvc(*LOW, "-S", "forget.scope=all").executed
    assert sorted(executed) == [*FOLLOWS, "retrain@cat", "retrain@dog", "unlearn"]


PURE = ("exp", "run", "-S", "leakage=none", "-S", "classes=3")


@pytest.mark.full
def test_a_shard_that_is_empty_drops_its_member(fresh):
    fresh.dvc(*PURE, "-S", "forget.class=null")
    executed = fresh.dvc(*PURE, "-S", "forget.scope=all").executed
    assert sorted(executed) == [*FOLLOWS, "retrain@cat", "unlearn"]
    retained = fresh / "models/retrained/tiny-3/cat"
    assert [path.name for path in retained.iterdir()] == ["log.csv"]
    counted = fresh.metrics("cost")["retraining"]["shard"]["cat"]
    assert counted == {"untouched_slices": 0, "images": 0, "samples": 0, "predicted": 0}
    assert fresh.metrics("cost")["retraining"]["samples"] == 0
    assert "speed_up" not in fresh.metrics("cost")
    assert "Proved: no served member" in fresh.src("audit").printed
    assert "Proved: each of these members" in fresh.src("verify").printed
    assert [fresh.metrics(state)["members"] for state in ("before", "after", "retrained")] == [3, 2, 2]
    assert fresh.metrics("before")["held_out"]["prior_corrected"] == {"undecided": 1.0}

    shutil.rmtree(fresh / "data/raw/tiny/cat")
    executed = fresh.dvc("repro").executed
    assert [name for name in executed if name.startswith("train_shards")] == ["train_shards@cat"]
    assert len(fresh.shard("cat")) == 0
    assert [fresh.metrics(state)["members"] for state in ("before", "after", "retrained")] == [2, 2, 2]


@pytest.mark.full
def test_going_from_five_classes_to_three_gives_what_three_classes_give_from_nothing(repo, low):
    """No leftover changes the hash of an input, or the run-cache would not have what depends on it."""
    shutil.copy(low / "params.yaml", repo / "params.yaml")
    repo.take_cache_of(low)
    assert repo.dvc("repro").executed == ["split", "unlearn", "evaluate", "cost"]  # of which there is no run-cache
    expected = low.locked()
    assert {name: stage for name, stage in repo.locked().items() if name in expected} == expected
    assert (repo / "models/shards/tiny-5/elephant").is_dir()
    assert repo.dvc("repro").executed == []


@pytest.mark.full
def test_scope_all_retrains_every_shard_at_high_leakage_and_reports_that_no_member_is_left_after(sliced):
    sliced.empty_run_cache()
    executed = sliced.dvc("exp", "run", "-S", "classes=3", "-S", "slices=4", "-S", "forget.scope=all").executed
    retrained = [f"retrain@{name}" for name in ("cat", "dog", "horse")]
    assert sorted(executed) == [*FOLLOWS, *retrained, "unlearn"]

    after = sliced.metrics("after")
    assert (after["members"], after["residual_copies"]) == (0, 0)
    assert all(scores == {"undecided": 1.0} for scores in after["held_out"].values())
    nothing = {"members": 0, "residual_copies": 0, "residual_near_copies": 0, "undecided": 1.0}
    assert sliced.metrics("summary")["after"] == nothing
    assert [sliced.metrics(state)["residual_copies"] for state in ("before", "retrained")] == [18, 0]

    cost = sliced.metrics("cost")
    assert all(shard["samples"] == shard["predicted"] > 0 for shard in cost["retraining"]["shard"].values())
    assert cost["scope"]["all"] == {"affected_shards": 3, "samples": cost["retraining"]["samples"]}
    assert cost["price_of_exactness"] == cost["retraining"]["samples"] - cost["scope"]["dominant"]["samples"] > 0
    assert "Proved: no served member" in sliced.src("audit").printed
    assert [line.split()[:2] for line in sliced.src("summary").printed.splitlines()].count(["after", "0"]) == 1


@pytest.mark.full
def test_scope_all_retrains_the_two_shards_that_hold_cats_at_low_leakage(low):
    at_dominant = low.metrics("cost")
    low.empty_run_cache()
    executed = low.dvc(*LOW, "-S", "forget.scope=all").executed
    assert sorted(executed) == ["cost", "evaluate", "predict", "retrain@dog", "unlearn"]  # cat's was retrained already
    assert json.loads((low / "data/forget_set.json").read_text())["removed"].keys() == {"cat", "dog"}
    cost = low.metrics("cost")
    samples = {name: shard["samples"] for name, shard in cost["retraining"]["shard"].items()}
    assert [name for name, count in samples.items() if count] == ["cat", "dog"]
    assert cost["scope"] == at_dominant["scope"]  # each run predicts what the other counted
    assert cost["scope"]["all"]["samples"] == cost["retraining"]["samples"]
    assert cost["scope"]["dominant"]["samples"] == at_dominant["retraining"]["samples"]
    assert low.metrics("after")["members"] == 1


@pytest.mark.full
def test_two_classes_are_forgotten_each_in_its_own_shard_and_copies_of_both_survive_in_others(low):
    cat_was_retrained = low.files("models/retrained/tiny-3/cat")
    low.dvc(*LOW, "-S", "forget.class=[dog,cat]", "-S", "attacks=all")
    record = json.loads((low / "data/forget_set.json").read_text())
    assert record["class"] == ["cat", "dog"]
    assert {name: len(ids) for name, ids in record["removed"].items()} == {"cat": 12, "dog": 12}
    assert {name: len(ids) for name, ids in record["residual"].items()} == {"cat": 3, "dog": 3, "horse": 3}
    assert low.files("models/retrained/tiny-3/cat") == cat_was_retrained  # which loses no dogs

    states = [low.metrics(state) for state in ("before", "after", "retrained")]
    assert [(state["members"], state["residual_copies"]) for state in states] == [(3, 33), (1, 3), (3, 9)]
    scores = states[2]["held_out"]["prior_corrected"]
    assert scores["forgotten"] == pytest.approx((scores["class"]["cat"] + scores["class"]["dog"]) / 2)
    assert scores["retained"] == scores["class"]["horse"]
    assert [low.metrics("members")[state]["dog"]["saw"] for state in ("before", "retrained")] == [15, 3]

    cost = low.metrics("cost")
    samples = {name: shard["samples"] for name, shard in cost["retraining"]["shard"].items()}
    assert [name for name, count in samples.items() if count] == ["cat", "dog"]
    assert cost["retraining"]["predicted"] == cost["retraining"]["samples"]
    assert cost["scope"]["dominant"] == {"affected_shards": 2, "samples": cost["retraining"]["samples"]}
    candidates = pd.read_parquet(low / "data/candidates.parquet", columns=["class", "origin"])
    assert set(candidates["class"]) == {"cat", "dog"}
    assert low.metrics("attacks")["population"]["before"]["mean_logits"]["dominant"]["images"] == 10
    assert low.metrics("klom")["retrained"]["mean_logits"]["held_out_forgotten"]["images"] == 10

    audited = low.src("audit").printed
    assert "to forget: classes cat and dog at scope dominant; taken out of the shards for this: 24 images" in audited
    assert "Proved for classes cat and dog: what scope dominant covers is gone. NOT exact: 9 residual copies" in audited
    assert "cat and dog forgotten at scope dominant" in low.src("summary").printed
    assert "* names cat or dog, the forgotten classes" in low.src("ask", "horse/00.png").printed
    assert low.dvc("repro").executed == []


@pytest.mark.full
@pytest.mark.parametrize("scenario", ["repo", "low", "sliced"])
def test_the_predicted_cost_is_the_counted_one(scenario, request):
    cost = request.getfixturevalue(scenario).metrics("cost")
    models = [*cost["training"]["shard"].values(), *cost["retraining"]["shard"].values()]
    for counted in [cost["training"], cost["retraining"], cost["baseline_full"], cost["baseline_retrained"], *models]:
        assert counted["samples"] == counted["predicted"]
    assert cost["training"]["samples"] > 0


def test_a_leftover_shard_is_not_read(low):
    (low / "data/shards/elephant.parquet").write_bytes(b"left over")
    low.src("unlearn")
    assert sorted(path.name for path in (low / "data/retained").iterdir()) == [
        "cat.parquet",
        "dog.parquet",
        "horse.parquet",
    ]
