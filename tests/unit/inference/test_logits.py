"""What a network answers depends on its weights and the image alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sisa.base.params import Cnn, load
from sisa.data.images import Pool
from sisa.inference import logits
from sisa.inference.logits import logits_of
from sisa.inference.outputs import HELD_OUT, TRAINING, UNUSED
from sisa.training.networks import build

NETWORK = Cnn(name="cnn", patch=2, stride=2, filters=4, widths=[4, 6], pool="max")
COMMITTED = load(Path(__file__).parents[3] / "params.yaml").train
RECIPE = COMMITTED.model_copy(update={"network": NETWORK, "test_flip": True, "precision": "float32"})
PIXELS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (16, 1, 8, 8), dtype=np.uint8))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build(RECIPE.network, 1, 3)


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


def test_several_networks_answer_in_one_pass_as_each_for_itself(network):
    other = build(RECIPE.network, 1, 3)
    done = []
    both = logits_of([network, other], PIXELS, RECIPE, done.append)
    assert torch.equal(both, torch.stack([asked(network), asked(other)]))
    assert sum(done) == len(PIXELS)


def test_no_images_have_no_logits(network):
    assert asked(network, PIXELS[:0]).shape == (0, 3)


def test_models_are_evaluated_on_what_is_held_out_trained_on_and_of_the_class_but_unused():
    pool = Pool(
        np.array(list("abcdef")),
        np.array(["cat", "cat", "dog", "dog", "cat", "dog"]),
        PIXELS[:6].numpy(),
        np.array(list("123456")),
    )
    test, union = pool.take(np.array([0, 2])), pool.take(np.array([1, 3]))
    sets = logits.evaluation_images(test, union, pool, "cat")
    assert {name: images.ids.tolist() for name, images in sets.items()} == {
        HELD_OUT: ["a", "c"], TRAINING: ["b", "d"], UNUSED: ["e"],
    }  # fmt: skip
    assert len(logits.evaluation_images(test, union, pool, None)[UNUSED]) == 0
