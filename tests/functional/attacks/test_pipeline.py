"""The attacks on a small experiment: exactly retrained members, shadow models, oracles, membership inference."""

import pytest

from sisa.attacks import scores
from sisa.base import paths
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Candidates, Images, Shard
from sisa.erasure import attack_costs, renewal
from sisa.stages import baseline_leaked, candidates, oracles, retrain_exact, shadows
from sisa.training import loop
from sisa.unlearning import forget_set

LOW = ("exp", "run", "-S", "leakage=low", "-S", "classes=3")

pytestmark = pytest.mark.full


@pytest.fixture
def attacked_low(all_attacks, tmp_path):
    """Three classes at low leakage with all attacks, to change at will."""
    return all_attacks.copied_to(tmp_path / "attacked")


def test_attacks_run_after_the_experiment_and_their_exact_members_are_what_scope_all_retrains(attacked_low, low):
    before, after = low.locked(), attacked_low.locked()
    assert {name for name in before if after[name] != before[name]} == {"validate"}  # of the parameters
    assert sorted(after.keys() - before.keys()) == [
        "attack@forgotten",
        "baseline_leaked@forgotten",
        "candidates@forgotten",
        "controls@forgotten",
        "klom@forgotten",
        "oracles@cat",
        "oracles@dog",
        "oracles@horse",
        "predict_controls@forgotten",
        "retrain_exact@cat",
        "retrain_exact@dog",
        "retrain_exact@horse",
        "shadows@cat",
        "shadows@dog",
        "shadows@horse",
    ]
    assert attacked_low.dvc("repro").executed == []
    found = attacked_low.metrics("attacks")
    assert found.keys() == {"lira", "lira_difference"}  # of too few images for the population attack
    before = found["lira"]["before"]["mean_logits"]
    assert before.keys() == {"dominant", "leaked"}  # canaries need four shadow ensembles
    assert before["leaked"]["images"] == 2  # of the three cats in dog's shard, one lends its place to a canary
    kept = scores.read(attacked_low / "metrics/scores.parquet")
    for origin, each in before.items():
        sides = kept["lira", "before", "mean_logits", origin]
        assert (len(sides.ins), len(sides.outs)) == (each["images"], each["held_out"])
    assert attacked_low.metrics("retrained_exact")["retrained_exact"]["mean_logits"]["UA"] == 1
    leaked, retained = (tables.read(attacked_low / each, Images) for each in (paths.UNION_LEAKED, paths.UNION_RETAINED))
    assert sorted(leaked.classes) == sorted([*retained.classes, "cat", "cat", "cat"])  # those in dog's shard
    assert attacked_low.metrics("controls")["baseline_leaked"].keys() == {"held_out", "training_images"}
    klom = attacked_low.metrics("klom")["retrained"]["mean_logits"]
    assert {name: each["images"] for name, each in klom.items()} == {
        "dominant": 9,
        "leaked": 3,
        "retained": 24,
        "held_out_forgotten": 5,
        "held_out_others": 10,
    }
    exact = list(attacked_low.files("models/retrained_exact/tiny-3").values())

    assert not [name for name in attacked_low.dvc(*LOW, "-S", "forget.scope=all").executed if "@forgotten" in name]
    retrained = attacked_low.files("models/retrained/tiny-3").items()
    assert [digest for path, digest in retrained if ".json" not in path] == exact
    assert "up to date" in attacked_low.dvc("status").printed


def test_shadow_models_that_are_no_pairs_are_refused(low):
    low.edit_params({"attacks.shadows": 3})
    assert "attacks.shadows is 3: input should be a multiple of 2" in low.src("validate", code=1).complaint


@pytest.fixture
def samples(monkeypatch):
    """A function that counts the samples which a stage trains, run in this process."""
    counted, train_slice = [], loop.train_slice

    def counting(*arguments):
        for row in train_slice(*arguments):
            counted.append(row["samples"])
            yield row

    def of(stage, *arguments: str) -> int:
        counted.clear()
        stage.main(*arguments)
        return sum(counted)

    monkeypatch.setattr(loop, "train_slice", counting)
    return of


def test_what_attack_stages_train_is_predicted_to_the_sample(low, samples, monkeypatch):
    """Also where a stage trains nothing: at low leakage, horse's shard holds no cat."""
    low.compose("classes=3", "leakage=low", "attacks=all")
    monkeypatch.chdir(low.path)
    params, request = load(), forget_set.read(paths.FORGET_SET)
    shards = {name: tables.read(paths.SHARDS / f"{name}.parquet", Shard) for name in params.shards}
    together = tables.read(paths.UNION, Images)
    candidates.main()
    dealt = tables.read(paths.CANDIDATES, Candidates)
    for name, shard in shards.items():
        assert samples(retrain_exact, name) == attack_costs.retrained_exact(shard, request, params)
        assert samples(shadows, name) == attack_costs.shadows(shard, request.removed.get(name, []), dealt, params) > 0
        assert samples(oracles, name) == attack_costs.oracles(name, shard, request, params) > 0
    with_leaked = forget_set.with_survivors(together, request)
    assert samples(baseline_leaked) == renewal.training_samples(with_leaked, params)
