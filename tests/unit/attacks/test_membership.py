"""An attack finds what a model betrays, finds nothing where there is nothing, and says how sure it is."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from sisa.attacks.membership import population, success
from sisa.base.elementary import softmax
from sisa.base.params import Train
from sisa.inference.logits import logits_of
from sisa.inference.odds import log_odds
from sisa.training.loop import be_deterministic, train_member
from sisa.training.networks import build

FAST = yaml.safe_load((Path(__file__).parents[3] / "conf/train/fast.yaml").read_text())
STILL = {"flip": False, "rotate": 0.0, "scale": 0.0, "shift": 0.0, "color": 0.0, "cutout": 0.0}


def images(ins, outs):
    """The names of as many distinct images as there are scores on either side."""
    names = np.arange(len(ins) + len(outs)).astype(str)
    return names[: len(ins)], names[len(ins) :]


def attacked(ins, outs):
    return population(ins, outs, 0, *images(ins, outs)).numbers


def told_apart(ins, outs):
    return success(ins, outs, *images(ins, outs)).numbers


def answers(count, margin, seed):
    """Probabilities [count, 3] with the first class ahead by `margin` standard deviations."""
    logits = np.random.default_rng(seed).normal(0, 1, (count, 3))
    logits[:, 0] += margin
    return softmax(logits)


def test_log_odds_are_those_of_the_actual_class():
    np.testing.assert_allclose(log_odds(np.array([[0.8, 0.1, 0.1]]), 0), [np.log(4)])
    assert np.isfinite(log_odds(np.array([[1.0, 0.0], [0.0, 1.0]]), 0)).all()


def test_the_population_attack_finds_an_overfitted_model():
    found = attacked(answers(200, 6, 0), answers(100, 2, 1))
    assert found["auc_low"] > 0.9
    assert found["balanced_accuracy"] > 0.85


def test_the_population_attack_finds_nothing_between_images_alike():
    found = [attacked(answers(100, 2, seed), answers(50, 2, 100 + seed)) for seed in range(20)]
    assert sum(each["auc_low"] < 0.5 < each["auc_high"] for each in found) >= 17
    assert np.mean([each["auc"] for each in found]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([each["balanced_accuracy"] for each in found]) == pytest.approx(0.5, abs=0.03)


def test_one_percent_of_a_hundred_may_be_accused():
    outs = np.arange(100.0)
    assert told_apart(np.array([98.5, 97.0, 99.5]), outs)["tpr_at_1_percent"] == pytest.approx(2 / 3)
    assert told_apart(np.array([97.5, 99.5]), outs[:99])["tpr_at_1_percent"] == pytest.approx(1 / 2)


def test_a_member_that_learned_noise_by_heart_is_found_out_and_one_that_never_saw_it_is_not():
    be_deterministic(1)
    small = {"name": "cnn", "patch": 2, "stride": 2, "filters": 8, "widths": [16, 32], "pool": "max"}
    overfitting = {"network": small, "epochs": 30, "label_smoothing": 0.0, "augment": STILL}
    recipe = Train.model_validate(FAST | overfitting)
    pixels = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (320, 1, 12, 12), dtype=np.uint8))
    labels = torch.arange(320) % 2  # of noise: nothing but the image itself tells the class
    of_class, outs = pixels[labels == 0], slice(80, None)
    for start, held in ((0, True), (160, False)):  # trained on the first half, or on the second without the class
        rows = slice(start, start + 160)
        part, names = pixels[rows], labels[rows] if held else torch.ones(160, dtype=torch.int64)
        slices = torch.zeros(160, dtype=torch.int64)
        *_, (_, last) = train_member(part, names, slices, slice_count=1, classes=2, recipe=recipe, seed=(0, "cat"))
        network = build(recipe, 1, 2)
        network.load_state_dict(last.weights)
        believed = softmax(logits_of([network], of_class, recipe)[0].double().numpy())
        if held:
            found = attacked(believed[:80], believed[outs])
            assert found["auc_low"] > 0.9
        else:
            half = believed[:80]  # of none of them has this member seen anything
            found = attacked(half[:40], half[40:])
            assert found["auc_low"] < 0.5 < found["auc_high"]


def test_an_image_that_several_members_were_asked_about_counts_once():
    generator = np.random.default_rng(0)
    ins, outs = generator.normal(1, 1, 40), generator.normal(0, 1, 60)
    names = images(ins, outs)
    once = success(ins, outs, *names).numbers
    four = success(np.tile(ins, 4), np.tile(outs, 4), *(np.tile(name, 4) for name in names)).numbers
    assert (four["images"], four["held_out"]) == (40, 60)
    assert {name: four[name] for name in ("auc", "auc_low", "auc_high")} == pytest.approx(
        {name: once[name] for name in ("auc", "auc_low", "auc_high")}
    )
