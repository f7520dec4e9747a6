"""Which objects must go: by content where that tells, by lineage where not, and never on a guess."""

import pytest

from sisa.erasure.classify import decide
from sisa.erasure.contents import CHECKPOINT, FORGOTTEN, LISTING, LOG, RUN, SHADOWS, TABLE, UNREADABLE, Content
from sisa.erasure.lineage import Run

CAT = frozenset({"cat-1"})
CLEAN = frozenset()


def table(ids=CLEAN, **slices) -> Content:
    return Content(TABLE, frozenset(ids), sliced=slices)


def checkpoint(*digests: str) -> Content:
    return Content(CHECKPOINT, digests=digests)


def listing(**files: str) -> Content:
    return Content(LISTING, files={name.replace("_", "."): value for name, value in files.items()})


def trained(stage: str, out: str, **deps: str) -> Run:
    names = {
        "shard": "data/shards/cat.parquet",
        "retained": "data/retained/cat.parquet",
        "gone": "data/forget_set.json",
    }
    names |= {"union": "data/union.parquet", "test": "data/test.parquet", "member": "models/shards/x/cat"}
    return Run(stage, "cat", {names[name]: value for name, value in deps.items()}, {"out": out})


def test_a_checkpoint_goes_when_it_saw_a_slice_with_the_image_and_stays_when_it_did_not():
    held = {
        "shard": table(CAT, first=CLEAN, second=CAT),
        "early": checkpoint("first"),
        "late": checkpoint("first", "second"),
    }
    decided = decide(held, [], [])
    assert set(decided.tainted) == {"shard", "late"}
    assert decided.tainted["late"].ids == CAT
    assert not decided.undecided


def test_a_retrained_member_is_judged_by_what_was_retained_not_by_the_member_it_resumed_from():
    held = {
        "dir": listing(slice_safetensors="model", log_csv="log"),
        "model": checkpoint("unknown"),
        "log": Content(LOG),
    }
    run = trained("retrain", "dir", retained="retained", member="tainted")
    clean = decide(held | {"retained": table()}, [run], ["tainted"])
    assert not clean.tainted
    assert not clean.undecided
    tainted = decide(held | {"retained": table(CAT)}, [run], [])
    assert set(tainted.tainted) == {"retained", "model", "log", "dir"}


def test_one_clean_origin_is_enough():
    held = {"a": table(CAT), "b": table(), "dir": listing(slice_safetensors="model"), "model": checkpoint("unknown")}
    runs = [trained("train_shards", "dir", shard="a"), trained("retrain", "dir", retained="b")]
    assert set(decide(held, runs, []).tainted) == {"a"}
    assert set(decide(held, runs[:1], []).tainted) == {"a", "dir", "model"}


def test_a_reference_is_trained_on_the_shard_less_what_was_forgotten():
    held = {"shard": table(CAT), "dir": listing(slice_safetensors="model"), "model": checkpoint("unknown")}
    run = trained("reference", "dir", shard="shard", gone="list")
    forgot, kept = Content(FORGOTTEN, listed=CAT), Content(FORGOTTEN)
    assert "model" not in decide(held | {"list": forgot}, [run], []).tainted
    assert "model" in decide(held | {"list": kept}, [run], []).tainted
    assert "model" in decide(held, [run], []).undecided


@pytest.mark.parametrize("tainted", ["shard", "union", "test"])
def test_answers_of_shadow_models_go_with_any_table_that_their_candidates_may_come_from(tainted):
    held = {name: table(CAT if name == tainted else CLEAN) for name in ("shard", "union", "test")}
    run = trained("shadows", "answers", shard="shard", union="union", test="test")
    assert "answers" in decide(held | {"answers": Content(SHADOWS)}, [run], []).tainted
    clean = {name: table() for name in held} | {"answers": Content(SHADOWS)}
    assert not decide(clean, [run], []).tainted


def test_what_nothing_tells_about_is_neither_kept_nor_removed_in_silence():
    held = {"model": checkpoint("unknown"), "zip": Content(UNREADABLE), "log": Content(LOG)}
    decided = decide(held, [trained("train_shards", "other", shard="lost")], [])
    assert not decided.tainted
    assert set(decided.undecided) == {"model", "zip", "log"}


def test_what_was_cleared_before_its_table_went_stays_clear():
    held = {"model": checkpoint("unknown"), "log": Content(LOG)}
    assert not decide(held, [], [], cleared=held).undecided
    assert not decide(held | {"a": table(CAT, unknown=CAT)}, [], [], cleared=["log"]).undecided


def test_a_log_goes_with_the_models_beside_it_unless_it_lies_beside_clean_ones_as_well():
    held = {"shard": table(CAT, first=CLEAN, second=CAT), "bad": checkpoint("second"), "good": checkpoint("first")}
    held |= {"log": Content(LOG), "dir": listing(slice_safetensors="bad", log_csv="log")}
    assert "log" in decide(held, [], []).tainted
    assert "log" not in decide(held | {"dir2": listing(slice_safetensors="good", log_csv="log")}, [], []).tainted


def test_the_log_of_an_empty_member_is_clean():
    decided = decide({"log": Content(LOG), "dir": listing(log_csv="log")}, [], [])
    assert not decided.tainted
    assert not decided.undecided


def test_what_an_earlier_receipt_names_goes_with_everything_trained_on_it():
    held = {"dir": listing(slice_safetensors="model"), "model": checkpoint("unknown")}
    decided = decide(held, [trained("train_shards", "dir", shard="erased")], ["erased"])
    assert set(decided.tainted) == {"dir", "model"}


def test_runs_that_name_what_goes_go_as_well():
    entry = Content(RUN, run=Run("evaluate", "", {"data/test.parquet": "test"}, {}))
    assert set(decide({"test": table(CAT), "run": entry}, [], []).tainted) == {"test", "run"}
    assert not decide({"test": table(), "run": entry}, [], []).tainted
