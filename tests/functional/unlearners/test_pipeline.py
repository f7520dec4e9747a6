"""Approximate unlearners on a small experiment, with real DVC."""

import json

import pytest

from sisa.base import paths
from sisa.base.params import load

CHOICES = ("exp", "run", "-S", "leakage=low", "-S", "classes=3")
STAGES = ["approximate@forgotten", "evaluate_unlearned@forgotten", "predict_unlearned@forgotten"]

pytestmark = pytest.mark.full


def test_an_unlearner_adds_its_own_stages_and_changes_no_other_output(low):
    before = low.locked()
    low.dvc(*CHOICES, "-S", "unlearner=scrub", "-S", "unlearner.budget=0.5")
    after = low.locked()
    assert {name for name in before if after[name] != before[name]} == {"validate"}  # of the parameters
    assert sorted(after.keys() - before.keys()) == STAGES

    found, params = low.metrics("unlearner"), load(low / "params.yaml")
    counted = json.loads((low / paths.approximating(params)).read_text())
    assert counted.keys() == {"models/shards/tiny-3/cat", "models/baseline_full"}
    # exactly: the whole of cat's shard, but for the cats; the conventional model, 24 others of 36, in two epochs
    assert found["conventional"]["exact_samples"] == 24 * 2
    assert found["conventional"]["samples"] == found["conventional"]["budget"] == 24
    assert found["members"]["samples"] == round(found["members"]["exact_samples"] / 2)

    exact, baseline = found["members"]["exact"]["mean_logits"], low.metrics("baseline")["baseline_retrained"]
    assert exact["held_out"] == low.metrics("retrained")["held_out"]["mean_logits"]
    assert found["conventional"]["exact"]["held_out"] == baseline["held_out"]
    for target in ("conventional", "members"):
        assert found[target].keys() >= {"before", "unlearned", "exact"}
    assert found["conventional"]["unlearned"]["against_exact"].keys() >= {"average_gap", "tow"}
    assert found["conventional"]["unlearned"]["knowledge"]["saw"] == 12  # it has seen them, whatever it says
    assert low.dvc("repro").executed == []

    again = low.dvc(*CHOICES, "-S", "unlearner=finetune", "-S", "forget.class=null").executed
    assert "approximate@forgotten" in again
    assert low.metrics("unlearner") == {}
