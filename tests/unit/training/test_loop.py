"""A member is a function of its slices, its recipe and its seed, bit for bit."""

import itertools
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from sisa.base.errors import BadInput
from sisa.base.params import Train
from sisa.training import checkpoints, loop
from sisa.training.augment import normalize
from sisa.training.checkpoints import Seen
from sisa.training.loop import (
    Checkpoint,
    augmented,
    batch_count,
    batches,
    be_deterministic,
    derived_seed,
    learning_rate_factor,
    log_prior,
    train_member,
)
from sisa.training.networks import build, draw_weights, whiten
from sisa.training.slicing import slice_epochs

OPTIMIZERS = {
    "adam": {"name": "adam", "learning_rate": 0.01},
    "adamw": {"name": "adamw", "learning_rate": 0.01, "beta2": 0.99, "weight_decay": 0.2},
}
RECIPE = {
    "network": {"name": "cnn", "patch": 2, "stride": 2, "filters": 4, "widths": [4, 6], "pool": "max"},
    "epochs": 2,
    "batch_size": 4,
    "optimizer": OPTIMIZERS["adamw"],
    "warm_up": 0.2,
    "label_smoothing": 0.1,
    "logit_adjustment": 1.0,
    "augment": {"flip": True, "rotate": 10.0, "scale": 0.2, "shift": 0.05, "color": 0.1, "cutout": 0.2},
    "test_flip": True,
    "precision": "float32",
}
STILL = {"augment": {"flip": False, "rotate": 0.0, "scale": 0.0, "shift": 0.0, "color": 0.0, "cutout": 0.0}}
COUNT = 16
PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (COUNT, 1, 8, 8), dtype=np.uint8))
LABELS = torch.tensor([0, 1, 0, 2] * 4)


@pytest.fixture(autouse=True)
def deterministic():
    be_deterministic(1)


def cut(slice_count, count=COUNT):
    return torch.arange(count) * slice_count // count


def train(slices, slice_count, keep=slice(None), pixels=PIXELS, labels=LABELS, resume=None, seed=(0, "cat"), **recipe):
    """Checkpoints by slice number of a member of three classes, trained on what `keep` selects."""
    return dict(
        train_member(
            pixels[keep],
            labels[keep],
            slices[keep],
            slice_count=slice_count,
            classes=3,
            recipe=Train.model_validate(RECIPE | recipe),
            seed=seed,
            resume=resume,
        )
    )


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    for number in first:
        for kind in ("weights", "optimizer"):
            one, other = getattr(first[number], kind), getattr(second[number], kind)
            assert one.keys() == other.keys()
            assert [name for name in one if not torch.equal(one[name], other[name])] == []
        assert first[number].log == second[number].log


def differ(first, second):
    return any(not torch.equal(first.weights[name], second.weights[name]) for name in first.weights)


@given(count=st.integers(1, 60), size=st.integers(2, 20))
def test_an_epoch_visits_every_image_once_and_never_in_a_batch_of_one(count, size):
    parts = batches(count, size, torch.Generator().manual_seed(0))
    assert sorted(torch.cat(parts).tolist()) == list(range(count))
    assert len(parts) == batch_count(count, size)
    assert all(len(part) == size for part in parts[:-1])
    assert 2 <= len(parts[-1]) <= size + 1 or count == 1


def test_every_epoch_has_another_order():
    generator = torch.Generator().manual_seed(0)
    orders = [tuple(torch.cat(batches(20, 4, generator)).tolist()) for _ in range(3)]
    assert len({*orders, tuple(range(20))}) == 4


def test_a_last_batch_of_one_joins_the_one_before():
    assert [len(part) for part in batches(9, 4, torch.Generator())] == [4, 5]
    assert [len(part) for part in batches(10, 4, torch.Generator())] == [4, 4, 2]


@pytest.mark.parametrize(("slices", "epochs"), [(1, 20), (2, 13), (4, 8), (5, 7), (8, 4), (100, 1)])
def test_slices_share_the_epochs_as_bourtoule_et_al_do(slices, epochs):
    assert slice_epochs(20, slices) == epochs


def test_the_learning_rate_rises_to_the_share_of_the_warm_up_and_falls_to_nothing():
    factors = [learning_rate_factor(step, 10, 0.2) for step in range(10)]
    expected = [0.25, 0.75, *(np.arange(7.5, 0, -1) / 8)]
    np.testing.assert_allclose(factors, expected)
    assert {learning_rate_factor(step, 10, 1.0) for step in range(10)} == {1.0}


@given(steps=st.integers(1, 50), warm_up=st.floats(0.01, 1))
def test_the_learning_rate_is_never_nothing_nor_more_than_asked_for(steps, warm_up):
    assert all(0 < learning_rate_factor(step, steps, warm_up) <= 1 for step in range(steps))


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_the_prior_is_the_log_share_of_each_class_and_nothing_for_an_absent_one(strength):
    prior = log_prior(torch.tensor([0, 0, 0, 2]), 3, strength)
    torch.testing.assert_close(prior, strength * torch.tensor([0.75, 1.0, 0.25]).double().log())


def test_seeds_differ_by_every_part_and_fit_into_63_bits():
    parts = list(itertools.product([0, 1, 10], ["cat", "cow"], [0, 1, "weights"]))
    seeds = {derived_seed(*each) for each in parts}
    assert len(seeds) == len(parts)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derived_seed(0, "cat", 0) == 2862395677581214139


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
def test_training_again_gives_the_same_bits_whatever_ran_before(optimizer):
    slices = cut(2)
    first = train(slices, 2, optimizer=optimizer)
    torch.manual_seed(99)
    random.seed(99)
    np.random.seed(99)
    interrupted = {}
    for number, checkpoint in train_member(
        PIXELS,
        LABELS,
        slices,
        slice_count=2,
        classes=3,
        recipe=Train.model_validate(RECIPE | {"optimizer": optimizer}),
        seed=(0, "cat"),
    ):
        interrupted[number] = checkpoint
        train(slices, 2, seed=(1, "dog"))  # draws from, and reseeds, the global generator
    assert_same_bits(first, interrupted)


@pytest.mark.parametrize("seed", [(1, "cat"), (0, "dog")])
def test_another_seed_or_shard_gives_another_member(seed):
    assert differ(train(cut(1), 1)[0], train(cut(1), 1, seed=seed)[0])


def test_a_slice_is_trained_without_a_look_at_later_ones():
    slices = cut(4)
    later = slices > 1
    others = train(
        slices,
        4,
        pixels=torch.where(later.view(-1, 1, 1, 1), 255 - PIXELS, PIXELS),
        labels=torch.where(later, 2, LABELS),
    )
    members = train(slices, 4)
    assert_same_bits({n: members[n] for n in (0, 1)}, {n: others[n] for n in (0, 1)})
    assert differ(members[2], others[2])


def from_disk(folder, number, checkpoint):
    checkpoints.write_checkpoint(folder, number, checkpoint, Seen([], {}))
    checkpoints.write_log(folder, checkpoint.log)
    return number, Checkpoint(*checkpoints.read_tensors(folder, number), checkpoints.read_log(folder))


CLASS, IMAGE = "a class from there on", "an image"


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS.keys())
@pytest.mark.parametrize("removed", [CLASS, IMAGE])
@pytest.mark.parametrize(("slice_count", "touched"), [(1, 0), (2, 0), (2, 1), (4, 0), (4, 1), (4, 2), (4, 3)])
def test_a_retrained_member_is_the_one_trained_from_scratch(slice_count, touched, removed, optimizer, tmp_path):
    slices = cut(slice_count)
    gone = (
        (slices >= touched) & (LABELS == 0)
        if removed == CLASS
        else torch.arange(COUNT) == slices.tolist().index(touched)
    )
    before = train(slices, slice_count, optimizer=optimizer)
    resume = from_disk(tmp_path, touched - 1, before[touched - 1]) if touched else None
    retrained = train(slices, slice_count, ~gone, resume=resume, optimizer=optimizer)
    scratch = train(slices, slice_count, ~gone, optimizer=optimizer)
    assert list(retrained) == list(range(touched, slice_count))
    assert_same_bits({n: before[n] for n in range(touched)} | retrained, scratch)
    assert all(differ(before[number], retrained[number]) for number in retrained)


def test_a_checkpoint_holds_batch_norm_and_optimizer_state():
    checkpoint = train(cut(1), 1)[0]
    assert {name.split(".")[-1] for name in checkpoint.weights} >= {
        "running_mean",
        "running_var",
        "num_batches_tracked",
    }
    parameters = build(Train.model_validate(RECIPE), 1, 3).named_parameters()
    trained = [name for name, parameter in parameters if parameter.requires_grad]
    parts = ("step", "exp_avg", "exp_avg_sq")
    assert checkpoint.optimizer.keys() == {f"{name}/{part}" for name in trained for part in parts}


def test_an_empty_shard_yields_nothing():
    assert train(cut(4), 4, torch.zeros(COUNT, dtype=torch.bool)) == {}


def test_leading_slices_without_images_are_passed_over_and_a_later_one_is_not():
    slices = cut(4)
    assert list(train(slices, 4, slices >= 2)) == [2, 3]
    members = train(slices, 4, slices != 1)
    assert list(members) == [0, 1, 2, 3]
    assert [row["samples"] for row in members[3].log] == [4, 4, 8, 12]


@pytest.mark.parametrize("network", [RECIPE["network"], {"name": "resnet18"}], ids=["cnn", "resnet18"])
def test_a_shard_of_one_image_trains(network):
    member = train(cut(1), 1, slice(1), network=network)[0]
    assert [row["samples"] for row in member.log] == [1, 1]
    assert all(value.isfinite().all() for value in member.weights.values())


def test_a_shard_of_a_single_class_learns_not_to_name_the_others():
    one = torch.ones(COUNT, dtype=torch.int64)
    log = train(cut(1), 1, labels=one, **STILL, label_smoothing=0.0, epochs=30, batch_size=16, warm_up=1.0)[0].log
    assert log[0]["loss"] > 0.5  # a loss over the one class that is there would be nothing
    assert log[-1]["loss"] < log[0]["loss"] / 3
    assert log[-1]["accuracy"] == 1


@pytest.mark.parametrize("slice_count", [1, 2, 4])
def test_the_log_counts_every_image_once_an_epoch(slice_count):
    slices, epochs = cut(slice_count, 15), slice_epochs(2, slice_count)
    log = train(slices, slice_count, slice(15))[slice_count - 1].log
    assert [(row["slice"], row["epoch"]) for row in log] == [
        (number + 1, epoch + 1) for number in range(slice_count) for epoch in range(epochs)
    ]
    assert all(row["samples"] == (slices < row["slice"]).sum() for row in log)


def test_the_first_loss_is_the_logit_adjusted_cross_entropy_of_fresh_weights():
    labels = torch.tensor([0] * 12 + [2] * 4)
    recipe = STILL | {"batch_size": 16, "epochs": 1, "logit_adjustment": 0.5}
    logged = train(cut(1), 1, labels=labels, **recipe)[0].log[0]["loss"]
    network = build(Train.model_validate(RECIPE), 1, 3).train()
    draw_weights(network, torch.Generator().manual_seed(derived_seed(0, "cat", "weights")))
    whiten(network, normalize(PIXELS))
    logits = network(normalize(PIXELS))
    prior = 0.5 * torch.tensor([0.75, 1.0, 0.25]).log()
    assert logged == pytest.approx(
        functional.cross_entropy(logits + prior, labels, label_smoothing=0.1).item(), rel=1e-4
    )


def test_bfloat16_computes_otherwise_where_the_hardware_has_it_and_keeps_float32_weights(monkeypatch):
    def member(**capabilities):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
        return train(cut(1), 1, precision="bfloat16")[0]

    assert_same_bits({0: member()}, train(cut(1), 1))
    mixed = member(avx512_bf16=True)
    assert differ(mixed, member())
    assert {value.dtype for value in [*mixed.weights.values(), *mixed.optimizer.values()]} == {
        torch.float32,
        torch.int64,
    }


def test_changing_several_batches_in_one_go_is_no_choice_that_shows(monkeypatch):
    order = [images for images, _ in augmented(PIXELS, Train.model_validate(RECIPE | STILL), generator())]
    assert [len(images) for images in order] == [4] * 4
    monkeypatch.setattr(loop, "AHEAD", 1)
    each = [images for images, _ in augmented(PIXELS, Train.model_validate(RECIPE | STILL), generator())]
    assert all(torch.equal(one, other) for one, other in zip(order, each, strict=True))


def generator():
    return torch.Generator().manual_seed(0)


def test_the_whitening_layer_is_of_the_first_slice_and_never_trained():
    members = train(cut(2), 2)
    whitening = [name for name, value in members[0].weights.items() if torch.equal(value, members[1].weights[name])]
    assert whitening == ["0.weight"]
    alone = train(cut(2), 2, slice(COUNT // 2))[0]
    assert torch.equal(alone.weights["0.weight"], members[1].weights["0.weight"])


def test_importing_and_constructing_all_that_training_needs_does_not_import_the_compiler():
    code = """
import sys
sys.path.insert(0, "src")
from sisa.training import loop
from sisa.base.params import load
recipe = load().train
loop.be_deterministic(1)
loop.Optimizer(loop.build(recipe, 1, 3), recipe.optimizer)
assert not {"torch._dynamo", "torch._inductor", "torchvision", "pandas"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


@pytest.mark.parametrize("precision", ["float32", "exact"])
def test_weights_that_the_last_step_of_a_slice_made_infinite_are_no_checkpoint(precision):
    optimizer = OPTIMIZERS["adamw"] | {"learning_rate": 1e38}
    with pytest.raises(BadInput, match="training diverged: a value is"):
        train(cut(1), 1, epochs=1, batch_size=COUNT, warm_up=1.0, optimizer=optimizer, precision=precision)
