"""Shards of random images through the whole pipeline: what a request for a class costs there, and one for an image."""

import pytest

from sisa.training.slicing import slice_epochs

SHARDS = ["iid-1", "iid-2", "iid-3"]
IID = ("exp", "run", "-S", "sharding=iid", "-S", "leakage=none", "-S", "classes=3")
FOLLOWS = ["baseline_retrained", "cost", "evaluate", "predict", "unlearn"]


@pytest.mark.full
def test_a_class_concerns_every_random_shard_and_an_image_the_one_that_holds_it(low):
    low.dvc(*IID, "-S", "attacks=all")
    shards = {name: low.shard(name) for name in SHARDS}
    assert [len(each) for each in shards.values()] == [12, 12, 12]
    assert low.metrics("retrained")["members"] == 3
    assert low.metrics("retrained")["residual_copies"] == low.metrics("after")["members"] == 0
    cost = low.metrics("cost")
    assert cost["price_of_exactness"] == 0
    assert cost["scope"]["dominant"]["affected_shards"] == sum("cat" in set(each["class"]) for each in shards.values())
    assert cost["retraining"]["samples"] == cost["retraining"]["predicted"]
    assert "lira" in low.metrics("attacks")
    assert set(low.metrics("klom")["retrained"]) == set(low.metrics("before")["held_out"])
    assert "Proved: " in low.src("audit").printed

    image = shards["iid-2"].query("`class` != 'cat' and slice == 1").iloc[0]
    low.dvc(*IID, "-S", "forget.class=null")
    low.empty_run_cache()
    low.src("forget", image["id"], "--reason", "owner asked")
    assert sorted(low.dvc("repro").executed) == sorted([*FOLLOWS, "retrain@iid-2"])
    counted = low.metrics("cost")["retraining"]["shard"]
    assert [counted[name]["samples"] for name in SHARDS] == [0, slice_epochs(2, 2) * 11, 0]
