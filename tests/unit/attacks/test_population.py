"""An attack by the answers alone finds what a model betrays, and finds nothing where there is nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sisa.attacks.population import suspects
from sisa.base.elementary import softmax
from sisa.base.params import Train
from sisa.data.images import Shard
from sisa.evaluation.roc import auc
from sisa.evaluation.scoring import Prediction
from sisa.inference.logits import logits_of
from sisa.inference.odds import log_odds
from sisa.inference.outputs import Asked
from sisa.training.loop import be_deterministic, train_member
from sisa.training.networks import build

FAST = yaml.safe_load((Path(__file__).parents[3] / "conf/train/fast.yaml").read_text())
STILL = {"flip": False, "rotate": 0.0, "scale": 0.0, "shift": 0.0, "color": 0.0, "cutout": 0.0}
COUNTS = {"training_images": {"cat": 30, "dog": 40}, "held_out": {"cat": 20, "dog": 20}, "unused": {"cat": 15}}


def shard(ids):
    count = len(ids)
    return Shard(
        np.array(ids), np.full(count, "cat"), np.zeros((count, 1, 2, 2), np.uint8), np.full(count, ""), np.zeros(count)
    )


def of_set(name):
    classes = [each for each, count in COUNTS[name].items() for _ in range(count)]
    return Asked(np.array([f"{name[0]}{number}" for number in range(len(classes))]), np.array(classes))


ASKED = {name: of_set(name) for name in COUNTS}
TRAINED = ASKED["training_images"].ids.tolist()
SHARDS = {"second": shard(TRAINED[:30]), "first": shard(TRAINED[30:] + TRAINED[:10])}  # ten cats are in both
ACCUSED = suspects(ASKED, SHARDS, ["cat", "dog"], ("cat",))


def answers(margin=0.0, seed=0, masked=False):
    """Probabilities of every image, with a larger margin for those that were trained on."""
    generator, found = np.random.default_rng(seed), {}
    for name, images in ASKED.items():
        logits = generator.normal(0, 1, (len(images.ids), 2))
        actual = (images.classes == "dog").astype(int)
        logits[np.arange(len(logits)), actual] += 2 + margin * (name == "training_images")
        believed = softmax(logits)
        found[name] = Prediction(believed.argmax(axis=1), np.array([0.0, 1.0]) * believed if masked else believed)
    return found


def test_log_odds_are_those_of_the_actual_class_of_each_row():
    rows = np.array([[0.8, 0.1, 0.1], [0.8, 0.1, 0.1]])
    np.testing.assert_allclose(log_odds(rows, 0), np.log(4))
    np.testing.assert_allclose(log_odds(rows, np.array([0, 1])), [np.log(4), np.log(1 / 9)])
    assert np.isfinite(log_odds(np.array([[1.0, 0.0], [0.0, 1.0]]), 0)).all()


def test_each_origin_is_told_from_the_held_out_images_of_its_classes():
    found = ACCUSED.population(answers())
    counts = {name: (len(each.ins), len(each.outs)) for name, each in found.items()}
    assert counts == {"dominant": (20, 20), "leaked": (10, 20), "never_seen": (15, 20), "retained": (20, 20)}
    assert set(found["leaked"].in_images) == set(TRAINED[:10])
    assert set(found["retained"].in_images) <= set(TRAINED[30:])


def test_a_side_with_few_images_is_not_attacked():
    few = suspects(ASKED, SHARDS | {"first": shard(TRAINED[30:] + TRAINED[:9])}, ["cat", "dog"], ("cat",))
    assert "leaked" not in few.population(answers())


def test_what_was_trained_on_is_found_and_what_was_not_is_not():
    areas = {name: auc(each.ins, each.outs) for name, each in ACCUSED.population(answers(margin=6)).items()}
    assert min(areas["dominant"], areas["leaked"], areas["retained"]) > 0.95
    found = [ACCUSED.population(answers(margin=6, seed=seed))["never_seen"] for seed in range(20)]
    assert np.mean([auc(each.ins, each.outs) for each in found]) == pytest.approx(0.5, abs=0.05)


def test_a_class_that_no_member_saw_is_not_attacked_and_others_are():
    assert ACCUSED.population(answers(masked=True)).keys() == {"retained"}


def test_of_several_classes_as_many_of_each_are_told_from_held_out_images_of_these():
    """All images of a class are as easy, and cows easier: without matching, the class would pass for memory."""
    counts = {"training_images": (40, 30, 10), "held_out": (20, 20, 20), "unused": (12, 30, 0)}
    names = np.array(["cat", "cow", "dog"])
    asked = {
        name: Asked(np.array([f"{name[0]}{number}" for number in range(sum(each))]), np.repeat(names, each))
        for name, each in counts.items()
    }
    ids = asked["training_images"].ids
    shards = {"cat": shard(ids[:40]), "cow": shard([*ids[40:70], *ids[:16]]), "dog": shard(ids[70:])}
    accused = suspects(asked, shards, [*names], ("cat", "cow"))
    easy = {
        name: Prediction(
            np.zeros(len(of.ids)),
            np.eye(3)[np.searchsorted(names, of.classes)] * np.where(of.classes == "cow", 9, 1)[:, None],
        )
        for name, of in asked.items()
    }
    found = accused.population(easy)
    sides = {
        name: tuple(dict(zip(*np.unique(accused.actual[rows], return_counts=True), strict=True)) for rows in both)
        for name, both in accused.origins.items()
    }
    held = {0: 20, 1: 20}
    assert sides["dominant"] == ({0: 20, 1: 20}, held)
    assert sides["leaked"] == ({0: 16}, {0: 20})  # no cow leaked, so that no cow is asked about
    assert sides["never_seen"] == ({0: 12, 1: 12}, held)
    assert {auc(found[name].ins, found[name].outs) for name in ("dominant", "leaked", "never_seen")} == {0.5}


def test_an_undecided_service_is_not_attacked():
    undecided = {name: Prediction(each.classes, None) for name, each in answers().items()}
    assert ACCUSED.population(undecided) == {}
    assert ACCUSED.difference(answers(), undecided) == {}


def test_the_difference_attack_finds_the_images_whose_answer_fell():
    found = ACCUSED.difference(answers(margin=3), answers())
    assert auc(found["dominant"].ins, found["dominant"].outs) > 0.9
    same = ACCUSED.difference(answers(margin=3), answers(margin=3))["dominant"]
    assert not same.ins.any()
    assert not same.outs.any()


def test_a_member_that_learned_noise_by_heart_is_found_out_and_one_that_never_saw_it_is_not():
    be_deterministic(1)
    small = {"name": "cnn", "patch": 2, "stride": 2, "filters": 8, "widths": [16, 32], "pool": "max"}
    overfitting = {"network": small, "epochs": 30, "label_smoothing": 0.0, "augment": STILL}
    recipe = Train.model_validate(FAST | overfitting)
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (320, 1, 12, 12), dtype=np.uint8))
    labels = torch.arange(320) % 2  # of noise: nothing but the image itself tells the class
    slices = torch.zeros(160, dtype=torch.int64)
    *_, (_, last) = train_member(
        pixels[:160], labels[:160], slices, slice_count=1, classes=2, recipe=recipe, seed=(0, "cat")
    )
    network = build(recipe, 1, 2)
    network.load_state_dict(last.weights)
    odds = log_odds(softmax(logits_of([network], pixels[labels == 0], recipe)[0].double().numpy()), 0)
    assert auc(odds[:80], odds[80:]) > 0.9
    assert 0.35 < auc(odds[80:120], odds[120:]) < 0.65
