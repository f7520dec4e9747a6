"""Which objects must go: by content where that tells, by lineage where not, and never on a guess."""

import pytest

from sisa.erasure.classify import classify
from sisa.erasure.contents import (
    ANSWERS,
    CHECKPOINT,
    FORGOTTEN,
    LISTING,
    LOG,
    OTHER,
    RUN,
    SHADOWS,
    TABLE,
    UNREADABLE,
    Content,
)
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
        "gone_before": "data/forgotten.json",
    }
    names |= {"union": "data/union.parquet", "test": "data/test.parquet", "candidates": "data/candidates.parquet"}
    names["member"] = "models/shards/x/cat"
    return Run(stage, "cat", {names[name]: value for name, value in deps.items()}, {"out": out})


def test_a_checkpoint_goes_when_it_saw_a_slice_with_the_image_and_stays_when_it_did_not():
    held = {
        "shard": table(CAT, first=CLEAN, second=CAT),
        "early": checkpoint("first"),
        "late": checkpoint("first", "second"),
    }
    found = classify(held, [], [])
    assert set(found.tainted) == {"shard", "late"}
    assert found.tainted["late"].ids == CAT
    assert not found.undecided


def test_a_retrained_member_is_judged_by_what_was_retained_not_by_the_member_it_resumed_from():
    held = {
        "dir": listing(slice_safetensors="model", log_csv="log"),
        "model": checkpoint("unknown"),
        "log": Content(LOG),
    }
    run = trained("retrain", "dir", retained="retained", member="tainted")
    clean = classify(held | {"retained": table()}, [run], ["tainted"])
    assert not clean.tainted
    assert not clean.undecided
    tainted = classify(held | {"retained": table(CAT)}, [run], [])
    assert set(tainted.tainted) == {"retained", "model", "log", "dir"}


def test_one_clean_origin_is_enough():
    held = {"a": table(CAT), "b": table(), "dir": listing(slice_safetensors="model"), "model": checkpoint("unknown")}
    runs = [trained("train_shards", "dir", shard="a"), trained("retrain", "dir", retained="b")]
    assert set(classify(held, runs, []).tainted) == {"a"}
    assert set(classify(held, runs[:1], []).tainted) == {"a", "dir", "model"}


@pytest.mark.parametrize(("stage", "list_of"), [("retrain_exact", "gone"), ("reference", "gone_before")])
def test_an_exactly_retrained_member_is_trained_on_the_shard_less_what_was_forgotten(stage, list_of):
    held = {"shard": table(CAT), "dir": listing(slice_safetensors="model"), "model": checkpoint("unknown")}
    run = trained(stage, "dir", shard="shard", **{list_of: "list"})
    forgot, kept = Content(FORGOTTEN, listed=CAT), Content(FORGOTTEN)
    assert "model" not in classify(held | {"list": forgot}, [run], []).tainted
    assert "model" in classify(held | {"list": kept}, [run], []).tainted
    assert "model" in classify(held, [run], []).undecided


@pytest.mark.parametrize("tables", [("shard", "candidates"), ("shard", "union", "test")], ids=["now", "before"])
@pytest.mark.parametrize("number", [0, 1, -1])
def test_answers_of_shadow_models_go_with_any_table_that_their_candidates_may_come_from(tables, number):
    held = {name: table(CAT if name == tables[number] else CLEAN) for name in tables}
    run = trained("shadows", "answers", **dict(zip(tables, tables, strict=True)))
    assert "answers" in classify(held | {"answers": Content(SHADOWS)}, [run], []).tainted
    clean = {name: table() for name in held} | {"answers": Content(SHADOWS)}
    found = classify(clean, [run], [])
    assert not found.tainted
    assert not found.undecided
    del clean[tables[-1]]
    assert "answers" in classify(clean, [run], []).undecided


def test_a_model_of_surviving_copies_is_judged_by_the_table_it_leaves_and_without_that_by_the_union():
    run = trained("baseline_leaked", "out", union="union")
    with_its_table = {"union": table(CAT), "out": checkpoint("whole"), "leaked": table(whole=CLEAN)}
    assert set(classify(with_its_table, [run], []).tainted) == {"union"}
    assert set(classify({"union": table(CAT), "out": checkpoint("whole")}, [run], []).tainted) == {"union", "out"}


def test_an_unlearned_model_goes_with_the_images_that_it_started_from():
    run = trained("approximate", "out", union="union")
    without_its_table = {"union": table(CAT), "out": Content(LOG)}
    assert set(classify(without_its_table, [run], []).tainted) == {"union", "out"}
    assert "out" not in classify({"union": table(), "out": Content(LOG)}, [run], []).tainted


def test_answers_of_models_go_when_they_name_the_image_and_stay_when_they_do_not():
    held = {"logits": Content(ANSWERS, CAT), "others": Content(ANSWERS), "run": Content(RUN, run=predicted("logits"))}
    found = classify(held, [], [])
    assert found.tainted["logits"].why == "has answers about one of the images"
    assert found.tainted["logits"].ids == CAT
    assert set(found.tainted) == {"logits", "run"}
    assert not found.undecided


def predicted(out: str) -> Run:
    return Run("predict", "", {"data/union.parquet": "union"}, {"models/logits.parquet": out})


@pytest.mark.parametrize("answers", [Content(ANSWERS), Content(OTHER)])
def test_answers_of_models_never_stand_for_a_table_of_images_that_clears_what_was_trained_on_it(answers):
    held = {"dir": listing(slice_safetensors="model"), "model": checkpoint("unknown"), "lost": answers}
    found = classify(held, [trained("train_shards", "dir", shard="lost")], [])
    assert set(found.undecided) == {"model", "dir"}
    assert not found.tainted


def test_what_nothing_tells_about_is_neither_kept_nor_removed_in_silence():
    held = {"model": checkpoint("unknown"), "zip": Content(UNREADABLE), "log": Content(LOG)}
    found = classify(held, [trained("train_shards", "other", shard="lost")], [])
    assert not found.tainted
    assert set(found.undecided) == {"model", "zip", "log"}


def lost_member() -> dict[str, Content]:
    """A member of another data set whose shard an earlier erase removed, as the cache and run-cache have it."""
    held = {"dir": listing(slice_safetensors="model", log_csv="log"), "model": checkpoint("unknown")}
    return held | {"log": Content(LOG), "run": Content(RUN, run=trained("train_shards", "dir", shard="lost"))}


def test_models_of_which_nothing_tells_are_orphans_with_what_names_them_unless_the_workspace_needs_them():
    held = lost_member() | {"zip": Content(UNREADABLE)}
    found = classify(held, [], [])
    assert found.orphans == {"dir", "model", "log", "run"}
    assert set(found.undecided) == {*found.orphans, "zip"}
    needed = classify(held, [], [], needed=["dir"])
    assert needed.orphans == set()
    assert set(needed.undecided) == {"model", "log", "zip"}


def test_models_that_an_earlier_survey_cleared_are_no_orphans():
    assert classify(lost_member(), [], [], cleared=["model", "log"]).orphans == set()


def test_what_was_cleared_before_its_table_went_stays_clear():
    held = {"model": checkpoint("unknown"), "log": Content(LOG)}
    assert not classify(held, [], [], cleared=held).undecided
    assert not classify(held | {"a": table(CAT, unknown=CAT)}, [], [], cleared=["log"]).undecided


def test_a_log_goes_with_the_models_beside_it_unless_it_lies_beside_clean_ones_as_well():
    held = {"shard": table(CAT, first=CLEAN, second=CAT), "bad": checkpoint("second"), "good": checkpoint("first")}
    held |= {"log": Content(LOG), "dir": listing(slice_safetensors="bad", log_csv="log")}
    assert "log" in classify(held, [], []).tainted
    assert "log" not in classify(held | {"dir2": listing(slice_safetensors="good", log_csv="log")}, [], []).tainted


def test_the_log_of_an_empty_member_is_clean():
    found = classify({"log": Content(LOG), "dir": listing(log_csv="log")}, [], [])
    assert not found.tainted
    assert not found.undecided


def test_what_an_earlier_receipt_names_goes_with_everything_trained_on_it():
    held = {"dir": listing(slice_safetensors="model"), "model": checkpoint("unknown")}
    found = classify(held, [trained("train_shards", "dir", shard="erased")], ["erased"])
    assert set(found.tainted) == {"dir", "model"}


def test_runs_that_name_what_goes_go_as_well():
    entry = Content(RUN, run=Run("evaluate", "", {"data/test.parquet": "test"}, {}))
    assert set(classify({"test": table(CAT), "run": entry}, [], []).tainted) == {"test", "run"}
    assert not classify({"test": table(), "run": entry}, [], []).tainted
