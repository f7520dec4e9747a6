"""Each unlearner does what its paper says, on a network of a few weights, within its budget to the sample."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from pydantic import TypeAdapter
from torch.nn import functional

from sisa.base.params import Cnn, Params, load
from sisa.training.augment import normalize
from sisa.training.loop import Batch, be_deterministic
from sisa.training.networks import build, draw_weights, whiten
from sisa.training.optimizer import Optimizer, flat
from sisa.unlearners import l1_sparse, neggrad, salun, scrub
from sisa.unlearners.apply import UNLEARNERS
from sisa.unlearners.task import Labelled, Task

ROOT = Path(__file__).parents[3]
CLASSES, SAMPLES = 3, 13
NETWORK = Cnn(name="cnn", patch=2, stride=2, filters=4, widths=[4, 6], pool="max")
RECIPE = load(ROOT / "params.yaml").train.model_copy(update={"network": NETWORK, "batch_size": 4})
DRAW = np.random.default_rng(0)
PIXELS = torch.from_numpy(DRAW.integers(0, 256, (16, 1, 8, 8), dtype=np.uint8))
LABELS = torch.tensor([0] * 6 + [1, 2] * 5)


@pytest.fixture(autouse=True)
def deterministic():
    be_deterministic(1)


def settings(name, **changes):
    values = yaml.safe_load((ROOT / f"conf/unlearner/{name}.yaml").read_text())
    return TypeAdapter(Params.model_fields["unlearner"].annotation).validate_python(values | changes, strict=True)


def task(samples=SAMPLES, pixels=PIXELS):
    """The first six images, all of the first class, are to be forgotten."""
    network = build(RECIPE, 1, CLASSES)
    draw_weights(network, torch.Generator().manual_seed(1))
    whiten(network, normalize(PIXELS))
    parts = Labelled(pixels[6:], LABELS[6:]), Labelled(pixels[:6], LABELS[:6])
    return Task(network, *parts, CLASSES, RECIPE, samples, torch.Generator().manual_seed(2))


def trained(name, given, **changes):
    return list(UNLEARNERS[name](given, settings(name, **changes)))


def weights(given):
    return flat(Optimizer(given.network, RECIPE.optimizer).parameters)


@pytest.mark.parametrize("samples", [1, 2, SAMPLES, 40])
@pytest.mark.parametrize("name", UNLEARNERS)
def test_every_unlearner_takes_its_budget_to_the_sample(name, samples):
    given = task(samples)
    before = weights(given).clone()
    assert sum(row["samples"] for row in trained(name, given)) == samples
    assert not torch.equal(weights(given), before)


@pytest.mark.parametrize("name", ["finetune", "l1_sparse"])
def test_fine_tuning_never_looks_at_what_is_forgotten(name):
    given, other = task(), task(pixels=torch.cat([PIXELS[:6].flip(3), PIXELS[6:]]))
    assert trained(name, given) == trained(name, other)
    assert torch.equal(weights(given), weights(other))


def test_images_are_drawn_in_whole_rounds_and_then_once_more():
    numbered = Labelled(torch.arange(5), torch.arange(5))
    drawn = numbered.drawn(12, torch.Generator().manual_seed(0)).labels
    assert sorted(torch.bincount(drawn).tolist()) == [2, 2, 2, 3, 3]
    assert len(numbered.drawn(0, torch.Generator())) == 0


def batch(logits, labels):
    return Batch(torch.zeros(len(labels), 1), logits, labels, torch.arange(len(labels)))


def test_the_slope_of_neggrad_is_that_of_retained_less_that_of_forgotten_images():
    logits = torch.from_numpy(DRAW.normal(size=(5, CLASSES))).float().requires_grad_()
    labels, to_forget = torch.tensor([0, 1, 2, 0, 1]), torch.tensor([True, False, False, True, False])

    def mean(one):
        return functional.cross_entropy(one.logits.double(), one.labels)

    neggrad.difference(mean, to_forget, 0.9)(batch(logits, labels)).backward()
    found, logits.grad = logits.grad, None
    wanted = [functional.cross_entropy(logits[which].double(), labels[which]) for which in (~to_forget, to_forget)]
    (0.9 * wanted[0] - 0.1 * wanted[1]).backward()
    torch.testing.assert_close(found, logits.grad)
    assert (found[~to_forget].gather(1, labels[~to_forget, None]) < 0).all()  # down where retained
    assert (found[to_forget].gather(1, labels[to_forget, None]) > 0).all()


def test_neggrad_takes_a_batch_of_one_kind_alone():
    logits, labels = torch.zeros(2, CLASSES), torch.tensor([0, 1])
    loss = neggrad.difference(
        lambda one: functional.cross_entropy(one.logits, one.labels), torch.tensor([True] * 2), 0.9
    )
    assert float(loss(batch(logits, labels))) == pytest.approx(-0.1 * np.log(CLASSES))


def test_a_random_label_is_never_the_true_one_and_each_other_one_is_drawn(monkeypatch):
    taught, given = [], task(16)
    monkeypatch.setattr(Task, "train", lambda self, optimizer, images, loss: taught.append(images) or iter([]))
    for _ in range(20):
        trained("random_labels", given)
    for images in taught:
        places = [next(place for place, each in enumerate(PIXELS) if torch.equal(each, one)) for one in images.pixels]
        wrong = torch.tensor(places) < 6
        assert torch.equal(images.labels != LABELS[places], wrong)
    every = torch.cat([images.labels for images in taught])
    assert set(every.tolist()) == {1, 2}  # those of the first class are the ones to forget


def test_what_is_not_salient_keeps_its_bytes():
    given = task()
    before = weights(given).clone()
    trained("salun", given, salient=0.25)
    kept = weights(given).view(torch.int32) == before.view(torch.int32)
    assert 0.7 < kept.float().mean() < 0.8


def test_salient_weights_are_those_of_the_largest_slopes():
    assert salun.salient(torch.tensor([3.0, -4.0, 0.5, 1.0]), 0.5).tolist() == [True, True, False, False]
    assert salun.salient(torch.tensor([1.0, -1.0, 0.5, 1.0]), 0.25).tolist() == [True, True, False, True]


def test_slopes_are_added_up_without_a_step():
    given = task()
    before = weights(given).clone()
    slopes = salun.Slopes(given.network, RECIPE.optimizer)
    list(given.train(slopes, given.forget, given.cross_entropy))
    assert slopes.sum.abs().sum() > 0
    assert torch.equal(weights(given), before)


def test_the_penalty_is_the_sum_of_magnitudes_and_shrinks_them():
    values = torch.tensor([[1.5, -2.0], [0.0, 0.25]], requires_grad=True)
    found = l1_sparse.Magnitude.apply(values)
    (found * 0.5).backward()
    assert found.item() == 3.75
    assert values.grad.tolist() == [[0.5, -0.5], [0.0, 0.5]]
    sums = []
    for gamma in (0.0, 1.0):
        given = task(40)
        trained("l1_sparse", given, gamma=gamma)
        sums.append(float(weights(given).abs().sum()))
    assert sums[1] < sums[0]


def test_without_a_penalty_l1_sparse_is_fine_tuning():
    given, other = task(), task()
    trained("l1_sparse", given, gamma=0.0)
    trained("finetune", other)
    assert torch.equal(weights(given), weights(other))


def test_the_divergence_of_scrub_is_that_of_torch():
    ours, theirs = (torch.from_numpy(DRAW.normal(size=(7, 4)) * 5).float() for _ in range(2))
    ours.requires_grad_()
    found = scrub.Divergence.apply(ours, theirs)
    (found * 3).backward()
    slope, ours.grad = ours.grad, None
    spread = functional.log_softmax(ours.double(), 1), functional.log_softmax(theirs.double(), 1)
    wanted = functional.kl_div(*spread, reduction="batchmean", log_target=True)
    (wanted * 3).backward()
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)
    torch.testing.assert_close(slope, ours.grad)
    assert scrub.Divergence.apply(ours, ours.detach()).item() == 0


def test_scrub_raises_the_divergence_on_forgotten_images_and_lowers_its_loss_on_retained_ones(monkeypatch):
    passes, given = [], task(10)
    monkeypatch.setattr(Task, "train", lambda self, optimizer, *of: passes.append(of) or iter([]))
    trained("scrub", given, ascent=0.4, rounds=2, alpha=0.5, gamma=0.25)
    assert [(len(images), set(images.labels.tolist()) <= {0}) for images, _ in passes] == [(2, True), (3, False)] * 2
    images, labels = normalize(PIXELS[6:]), LABELS[6:]
    with torch.no_grad():
        teacher = given.network.eval()(images)
    one = Batch(images, teacher + torch.arange(CLASSES) * 3, labels, torch.arange(10))
    far, near = scrub.Divergence.apply(one.logits, teacher).item(), given.cross_entropy(one).item()
    assert far > 0.1
    (_, away), (_, back) = passes[:2]
    assert away(one).item() == pytest.approx(-far)
    assert back(one).item() == pytest.approx(0.5 * far + 0.25 * near)


def test_the_passes_of_scrub_use_up_all_samples():
    assert scrub.parts(11, 3) == [3, 4, 4]
    assert scrub.parts(1, 2) == [0, 1]
