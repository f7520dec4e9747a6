"""Every network of conf/train takes grey and colour images of every size to one logit a class."""

from pathlib import Path

import pytest
import torch
import yaml

from sisa.networks import build
from sisa.params import Cnn, ResNet18, Train

PRESETS = {path.stem: path for path in sorted((Path(__file__).parents[2] / "conf/train").glob("*.yaml"))}


def preset(name):
    return Train.model_validate(yaml.safe_load(PRESETS[name].read_text())).network


def logits(network, images):
    with torch.no_grad():
        return network(images)


def pictures(channels, size, count=2):
    return torch.randn(count, channels, size, size, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_preset_gives_one_finite_logit_a_class_at_every_size(name, channels):
    network = build(preset(name), channels, 5).eval()
    for size in (8, 28, 32, 65):
        answer = logits(network, pictures(channels, size))
        assert answer.shape == (2, 5)
        assert answer.isfinite().all()


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_trains_on_two_grey_images(name):
    network = build(preset(name), 1, 3).train()
    network(pictures(1, 28)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_a_grey_resnet18_is_torchvisions_but_for_its_entry():
    networks = [build(ResNet18(name="resnet18"), channels, 1000) for channels in (1, 3)]
    grey, colour = (network.state_dict() for network in networks)
    assert grey.keys() == colour.keys()
    assert {name for name in grey if grey[name].shape != colour[name].shape} == {"conv1.weight"}
    assert sum(parameter.numel() for parameter in networks[1].parameters()) == 11_689_512


@pytest.mark.parametrize("widths", [[4], [4, 6], [4, 6, 8]])
def test_a_cnn_pools_before_each_width_but_the_first(widths):
    network = build(Cnn(name="cnn", widths=widths, pool="max"), 3, 5)
    sizes = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(lambda layer, _, out: sizes.append((out.shape[1], out.shape[2])))
    network(pictures(3, 16))
    twice = [(width, 16 >> depth) for depth, width in enumerate(widths) for _ in range(2)]
    assert sizes == twice[1:]


@pytest.mark.parametrize(("pool", "pooled"), [("max", torch.amax), ("mean", torch.mean)])
def test_the_head_sees_the_maximum_or_the_mean_of_each_feature_map(pool, pooled):
    network = build(Cnn(name="cnn", widths=[4, 6], pool=pool), 3, 5).eval()
    seen = []
    head, last = network[-1], [layer for layer in network if next(layer.parameters(), None) is not None][-2]
    last.register_forward_hook(lambda layer, given, out: seen.append(out))
    head.register_forward_hook(lambda layer, given, out: seen.append(given[0]))
    network(pictures(3, 16))
    torch.testing.assert_close(seen[1], pooled(seen[0], dim=(2, 3)))


def test_the_seed_draws_the_weights():
    def drawn(seed):
        torch.manual_seed(seed)
        return logits(build(preset("fast"), 1, 5).eval(), pictures(1, 28))

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))
