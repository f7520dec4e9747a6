"""Scenarios at their limits, and the way from one to another."""

import json
import shutil


def test_no_class_to_forget_leaves_all_states_equal(low):
    low.dvc("exp", "run", "-S", "leakage=low", "-S", "classes=3", "-S", "forget.class=null")
    assert json.loads((low / "data/forgotten.json").read_text())["removed"] == {}
    assert low.metrics("before") == low.metrics("after") == low.metrics("retrained")
    assert low.metrics("cost")["retraining"]["samples"] == 0
    for name in low.params()["shards"]:
        trained, again = (low.files(f"models/{folder}/tiny-3/{name}").values() for folder in ("shards", "retrained"))
        assert list(trained) == list(again)


def test_a_shard_that_is_empty_drops_its_member(fresh):
    fresh.dvc("exp", "run", "-S", "leakage=none", "-S", "classes=3")
    retained = fresh / "models/retrained/tiny-3/cat"
    assert [path.name for path in retained.iterdir()] == ["log.csv"]
    assert [fresh.metrics(state)["members"] for state in ("before", "after", "retrained")] == [3, 2, 2]
    assert fresh.metrics("before")["held_out"]["prior_corrected"] == {"undecided": 1.0}

    shutil.rmtree(fresh / "data/raw/tiny/cat")
    executed = fresh.dvc("repro").executed
    assert [name for name in executed if name.startswith("train_shards")] == ["train_shards@cat"]
    assert len(fresh.shard("cat")) == 0
    assert [fresh.metrics(state)["members"] for state in ("before", "after", "retrained")] == [2, 2, 2]


def test_going_from_five_classes_to_three_gives_what_three_classes_give_from_nothing(repo, low):
    shutil.copy(low / "params.yaml", repo / "params.yaml")
    repo.dvc("repro")
    expected = low.locked()
    assert {name: stage for name, stage in repo.locked().items() if name in expected} == expected
    assert (repo / "models/shards/tiny-5/elephant").is_dir()
    assert repo.dvc("repro").executed == []


def test_a_leftover_shard_is_not_read(low):
    (low / "data/shards/elephant.parquet").write_bytes(b"left over")
    low.src("unlearn")
    assert sorted(path.name for path in (low / "data/retained").iterdir()) == [
        "cat.parquet",
        "dog.parquet",
        "horse.parquet",
    ]
