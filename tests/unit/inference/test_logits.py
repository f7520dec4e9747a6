"""What a network answers depends on its weights and the image alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sisa.base.errors import BadInput
from sisa.base.params import EXACT, Cnn, load
from sisa.data.images import Pool
from sisa.inference import logits
from sisa.inference.logits import logits_of
from sisa.inference.outputs import HELD_OUT, TRAINING, UNUSED
from sisa.training.networks import build, draw_weights

NETWORK = Cnn(name="cnn", patch=2, stride=2, filters=4, widths=[4, 6], pool="max")
COMMITTED = load(Path(__file__).parents[3] / "params.yaml").train
RECIPE = COMMITTED.model_copy(update={"network": NETWORK, "test_flip": True, "precision": "float32"})
PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (16, 1, 8, 8), dtype=np.uint8))


@pytest.fixture
def network():
    return drawn(0)


def drawn(seed, recipe=RECIPE):
    torch.manual_seed(0)  # of the whitening layer, which is fitted in training
    network = build(recipe, 1, 3)
    draw_weights(network, torch.Generator().manual_seed(seed))
    return network


def asked(network, pixels=PIXELS, **recipe):
    return logits_of([network], pixels, RECIPE.model_copy(update=recipe))[0]


def test_logits_average_an_image_and_its_mirror_image(network):
    mirrored = PIXELS.flip(3)
    plain, other = asked(network, test_flip=False), asked(network, mirrored, test_flip=False)
    assert not torch.allclose(plain, other)
    torch.testing.assert_close(asked(network), (plain + other) / 2)
    torch.testing.assert_close(asked(network), asked(network, mirrored))


def test_logits_depend_on_neither_the_batch_nor_the_mode_that_the_network_was_left_in(network, monkeypatch):
    whole = asked(network)
    monkeypatch.setattr(logits, "BATCH", 3)
    torch.testing.assert_close(asked(network.train()), whole)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("precision", ["float32", EXACT])
def test_weights_that_give_no_numbers_are_refused(precision, value):
    network = drawn(0, RECIPE.model_copy(update={"precision": precision}))
    with torch.no_grad():
        network[-1].bias[1] = value
    with pytest.raises(BadInput, match="a value is"):
        asked(network, precision=precision)


def test_exact_logits_are_the_same_bits_in_every_batch(monkeypatch):
    network = drawn(0, RECIPE.model_copy(update={"precision": EXACT}))
    whole = asked(network)
    for batch in (1, 3, 5):
        monkeypatch.setattr(logits, "BATCH", batch)
        assert torch.equal(asked(network), whole)
    torch.testing.assert_close(whole, asked(drawn(0)), atol=0.05, rtol=0.05)


def test_several_networks_answer_in_one_pass_as_each_for_itself(network):
    other = drawn(1)
    done = []
    both = logits_of([network, other], PIXELS, RECIPE, done.append)
    assert torch.equal(both, torch.stack([asked(network), asked(other)]))
    assert sum(done) == len(PIXELS)


@pytest.mark.parametrize("precision", ["float32", EXACT])
def test_no_images_have_no_logits(precision):
    recipe = RECIPE.model_copy(update={"precision": precision})
    assert logits_of([drawn(0, recipe)], PIXELS[:0], recipe).shape == (1, 0, 3)


def test_models_are_evaluated_on_what_is_held_out_trained_on_and_of_the_class_but_unused():
    pool = Pool(
        np.array(list("abcdef")),
        np.array(["cat", "cat", "dog", "dog", "cat", "dog"]),
        PIXELS[:6].numpy(),
        np.array(list("123456")),
    )
    test, union = pool.take(np.array([0, 2])), pool.take(np.array([1, 3]))
    sets = logits.evaluation_images(test, union, pool, ("cat",))
    assert {name: images.ids.tolist() for name, images in sets.items()} == {
        HELD_OUT: ["a", "c"], TRAINING: ["b", "d"], UNUSED: ["e"],
    }  # fmt: skip
    assert len(logits.evaluation_images(test, union, pool, ())[UNUSED]) == 0
