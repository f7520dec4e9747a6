"""Every network of conf/train takes grey and colour images of every size to one logit a class."""

from pathlib import Path

import pytest
import torch
import yaml

from sisa.base.params import EXACT, Train
from sisa.training.networks import Whitening, build, convolution, draw_weights

PRESETS = {path.stem: path for path in sorted((Path(__file__).parents[3] / "conf/train").glob("*.yaml"))}


def preset(name, **changes):
    return Train.model_validate(yaml.safe_load(PRESETS[name].read_text()) | changes)


def drawn(recipe, channels, classes, seed=0):
    torch.manual_seed(0)  # of the whitening layer, which is fitted later
    network = build(recipe, channels, classes)
    draw_weights(network, torch.Generator().manual_seed(seed))
    return network


def logits(network, images):
    with torch.no_grad():
        return network(images)


def pictures(channels, size, count=2):
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("precision", ["float32", EXACT])
def test_every_preset_gives_one_finite_logit_a_class_at_every_size(name, channels, precision):
    network = drawn(preset(name, precision=precision), channels, 5).eval()
    for size in (10, 28, 32, 65):
        answer = logits(network, pictures(channels, size))
        assert answer.shape == (2, 5)
        assert answer.isfinite().all()


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("precision", ["float32", EXACT])
def test_every_preset_trains_on_two_grey_images(name, precision):
    network = drawn(preset(name, precision=precision), 1, 3).train()
    network(pictures(1, 28)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters() if parameter.requires_grad)


def test_a_grey_resnet18_is_torchvisions_but_for_its_entry():
    networks = [build(preset("notebook"), channels, 1000) for channels in (1, 3)]
    grey, colour = (network.state_dict() for network in networks)
    assert grey.keys() == colour.keys()
    assert {name for name in grey if grey[name].shape != colour[name].shape} == {"conv1.weight"}
    assert sum(parameter.numel() for parameter in networks[1].parameters()) == 11_689_512


def small(**changes):
    shape = {"name": "cnn", "patch": 2, "stride": 2, "filters": 6, "widths": [4, 6], "pool": "max"}
    return preset("fast", network=shape | changes)


@pytest.mark.parametrize("widths", [[4], [4, 6], [4, 6, 8]])
def test_a_cnn_has_two_convolutions_a_width_and_pools_between_the_widths(widths):
    network = build(small(widths=widths), 3, 5)
    sizes = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda layer, _, out: sizes.append((out.shape[1], out.shape[2])))
    network(pictures(3, 16))
    assert sizes == [(6, 8), *((width, 8 >> depth) for depth, width in enumerate(widths) for _ in range(2))]


@pytest.mark.parametrize(("pool", "pooled"), [("max", torch.amax), ("mean", torch.mean)])
def test_the_head_sees_the_maximum_or_the_mean_of_each_feature_map(pool, pooled):
    network = drawn(small(pool=pool), 3, 5).eval()
    seen = []
    head, last = network[-1], [layer for layer in network if next(layer.parameters(), None) is not None][-2]
    last.register_forward_hook(lambda layer, given, out: seen.append(out))
    head.register_forward_hook(lambda layer, given, out: seen.append(given[0]))
    network(pictures(3, 16))
    torch.testing.assert_close(seen[1], pooled(seen[0], dim=(2, 3)))


def patches(images, layer):
    """The answers of a whitening layer, one row a patch."""
    return logits(layer, images).movedim(1, -1).flatten(0, 2)


def test_whitened_patches_are_uncorrelated_and_of_equal_variance():
    images = torch.nn.functional.avg_pool2d(pictures(1, 64, count=50), 3, stride=1)  # neighbouring pixels correlate
    layer = Whitening(1, filters=8, size=2, stride=2)
    layer.fit(images, floor=0.0)
    answers = patches(images, layer)
    torch.testing.assert_close(answers[:, 4:], -answers[:, :4])
    torch.testing.assert_close(answers[:, :4].T @ answers[:, :4] / len(answers), torch.eye(4), atol=1e-3, rtol=0)


def test_fewer_filters_are_those_of_the_largest_variance():
    images = torch.nn.functional.avg_pool2d(pictures(1, 64, count=50), 3, stride=1)
    layer = Whitening(1, filters=2, size=2, stride=2)
    layer.fit(images)
    weights = layer.weight[0].flatten()
    torch.testing.assert_close(weights / weights.sum(), torch.full((4,), 0.25), atol=0.01, rtol=0)  # the mean


def test_a_patch_has_no_more_than_two_filters_for_each_of_its_values():
    assert build(small(filters=100), 3, 5)[0].out_channels == 24
    assert build(small(filters=100), 1, 5)[0].out_channels == 8


def test_a_new_convolution_passes_its_input_on():
    kernel = convolution(3, 5)[0]
    draw_weights(kernel, torch.Generator().manual_seed(0))
    images = pictures(3, 8)
    torch.testing.assert_close(logits(kernel, images)[:, :3], images)


def test_the_seed_draws_the_weights():
    first, same, other = (logits(drawn(preset("fast"), 1, 5, seed).eval(), pictures(1, 28)) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
