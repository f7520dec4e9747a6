"""The attack pipeline on a small experiment: the exact reference, shadow models, attacks and relearning."""

ATTACKS = "attacks/dvc.yaml"


def test_attacks_run_beside_the_experiment_and_their_reference_is_what_scope_all_retrains(low):
    executed = low.dvc("repro", ATTACKS).executed
    assert [name.removeprefix(f"{ATTACKS}:") for name in executed] == [
        "reference",
        "shadows@cat",
        "shadows@dog",
        "shadows@horse",
        "examine",
        "relearn",
    ]
    assert low.dvc("repro", ATTACKS).executed == []
    found = low.metrics("attacks")
    assert found.keys() == {"population", "members", "lira"}
    assert found["lira"]["before"].keys() == {"dominant", "leaked"}
    assert found["lira"]["before"]["leaked"]["images"] == 3  # the cats in dog's shard, and none in horse's
    relearned = low.metrics("relearning")
    assert relearned["cat"]["served"] == relearned["cat"]["reference"]  # neither saw a cat
    exact = low.metrics("reference")["reference"]
    assert exact["mean_logits"]["UA"] == 1
    reference = list(low.files("models/reference/tiny-3").values())

    low.dvc("exp", "run", "-S", "leakage=low", "-S", "classes=3", "-S", "forget.scope=all")
    assert [digest for path, digest in low.files("models/retrained/tiny-3").items() if ".json" not in path] == reference


def test_without_a_class_to_forget_there_is_nothing_to_attack(low):
    low.edit_params({"forget.class": None})
    low.dvc("repro", ATTACKS)
    assert low.metrics("attacks") == low.metrics("relearning") == {}
    assert low.metrics("reference")["retrained"]["mean_logits"]["tow"] == 1


def test_fewer_shadow_models_than_a_pair_are_refused(low):
    low.edit_params({"attacks.shadows": 3})
    assert "attacks.shadows is 3: input should be a multiple of 2" in low.dvc("repro", ATTACKS, code=None).complaint
