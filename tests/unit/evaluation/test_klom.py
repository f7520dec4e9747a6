"""KLoM is above its floor where something was left, and at its floor where nothing was."""

import numpy as np
import pytest
from scipy import stats

from sisa.evaluation import klom
from sisa.evaluation.klom import BINS, LEAST, Services, binned, divergence, origins, scores
from sisa.evaluation.scoring import HELD_OUT, TRAINING, EvaluationSet, Prediction
from sisa.inference.outputs import Asked
from sisa.unlearning.forget_set import ForgetSet

DRAWS, COUNT, IMAGES = 200, 8, 40
HALF = np.sqrt(0.5)  # of the variance between services, what all images have in common


def apart(ours, reference):
    return divergence(*binned(ours, reference))


def test_services_that_answer_alike_are_at_no_distance():
    same = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_allclose(apart(same, same), 0, atol=1e-12)
    assert apart(np.ones((5, 1)), np.ones((5, 1))) == pytest.approx(0)


def test_services_apart_are_at_the_distance_of_the_least_share():
    assert apart(np.zeros((4, 1)), np.ones((4, 1))) == pytest.approx(np.log(1 / LEAST) + np.log(1 + LEAST))


def test_the_divergence_is_that_of_the_two_histograms():
    """As scipy's entropy has it, of shares that are scaled to the sum 1."""
    ours, reference = np.random.default_rng(0).normal(size=(2, 16, 1))
    both = np.concatenate([ours, reference])
    p, q = (np.histogram(each, BINS, (both.min(), both.max()))[0] / 16 for each in (ours, reference))
    assert apart(ours, reference) == pytest.approx(stats.entropy(p, np.where(p > 0, np.maximum(q, LEAST), q)))


ON = EvaluationSet(
    {HELD_OUT: np.array([0, 1]), TRAINING: np.array([0] * IMAGES + [1])},
    np.array([True] * IMAGES + [False]),
    ["cat", "dog"],
    ("cat",),
)
ASKED = {
    HELD_OUT: Asked(np.array(["h", "i"]), np.array(["cat", "dog"])),
    TRAINING: Asked(np.array([*map(str, range(IMAGES)), "d"]), np.array(["cat"] * IMAGES + ["dog"])),
}
FORGOTTEN = [*map(str, range(IMAGES))]
REQUEST = ForgetSet(("cat",), "dominant", [], {"cat": FORGOTTEN}, {"dog": ["7"]})
ORIGINS = origins(ASKED, REQUEST)


def predictions(odds):
    """What a service predicts whose log-odds of cat are these, [images]."""
    cat = 1 / (1 + np.exp(-odds))
    sets = {HELD_OUT: cat[:2], TRAINING: cat[2:]}
    return {name: Prediction(each < 0.5, np.stack([each, 1 - each], axis=1)) for name, each in sets.items()}


def services(generator, shift=0.0, together=0.5):
    """COUNT services of each kind, those of ours with margins higher by `shift`; `together`: the share of the variance
    between services that all images have in common."""
    image = generator.normal(0, 2, IMAGES + 3)

    def kind(by):
        common = generator.normal(0, np.sqrt(together), (COUNT, 1))
        return [predictions(each) for each in image + by + common + own(generator, together)]

    return Services(kind(shift), kind(0), kind(0))


def bins(played):
    """Of ours, the oracles and again."""
    return binned(*(np.array([klom.margins(each, ON) for each in kind]) for kind in vars(played).values()))


def own(generator, together):
    return generator.normal(0, np.sqrt(1 - together), (COUNT, IMAGES + 3))


def test_origins_are_told_by_the_request():
    assert {name: mask.sum() for name, mask in ORIGINS.items()} == {
        "dominant": IMAGES - 1,
        "leaked": 1,
        "retained": 1,
        "held_out_forgotten": 1,
        "held_out_others": 1,
    }
    assert np.flatnonzero(ORIGINS["leaked"]) == [2 + 7]


@pytest.mark.parametrize("shift", [4.0, 15.0])
def test_a_planted_shift_is_found_and_its_klom_is_above_the_floor(shift):
    """The largest as well: by bins of each pair's own range, exchanged services would seem as far apart."""
    found = scores(services(np.random.default_rng(0), shift), ON, ORIGINS)["dominant"]
    assert found["excess"] == pytest.approx(found["klom"] - found["floor"])
    assert found["low"] > 0
    assert found["images"] == IMAGES - 1


def test_the_excess_is_the_difference_of_mean_divergences():
    played = services(np.random.default_rng(1), shift=1.0)
    ours, oracles, again = bins(played)
    found, mask = scores(played, ON, ORIGINS)["dominant"], ORIGINS["dominant"]
    assert found["klom"] == pytest.approx(divergence(ours, oracles)[mask].mean())
    assert found["floor"] == pytest.approx(divergence(again, oracles)[mask].mean())


@pytest.mark.full
@pytest.mark.parametrize("together", [0.0, 0.5])
def test_the_interval_holds_0_in_19_of_20_draws_where_nothing_was_left(together):
    generator, covered = np.random.default_rng(1), 0
    for _ in range(DRAWS):
        found = scores(services(generator, together=together), ON, ORIGINS)["dominant"]
        covered += found["low"] <= 0 <= found["high"]
    assert 0.92 <= covered / DRAWS <= 0.98


def test_a_t_interval_over_images_does_not_hold_0_where_services_rise_and_fall_together():
    generator, covered = np.random.default_rng(0), 0
    for _ in range(DRAWS):
        image = generator.normal(0, 2, 400)
        kinds = (image + generator.normal(0, HALF, (COUNT, 1)) + generator.normal(0, HALF, (COUNT, 400)) for _ in "abc")
        ours, oracles, again = binned(*kinds)
        excess = divergence(ours, oracles) - divergence(again, oracles)
        low, high = stats.t.interval(0.95, len(excess) - 1, excess.mean(), stats.sem(excess))
        covered += low <= 0 <= high
    assert covered / DRAWS < 0.85


def test_a_class_that_a_service_never_names_is_left_out():
    played = services(np.random.default_rng(0))
    masked = {
        name: Prediction(each.classes, np.stack([0 * each.classes, 1 + 0 * each.classes], axis=1))
        for name, each in played.oracles[0].items()
    }
    found = scores(Services(played.ours, [masked, *played.oracles[1:]], played.again), ON, ORIGINS)
    assert found.keys() == {"retained", "held_out_others"}


def test_undecided_services_have_no_klom():
    undecided = dict.fromkeys((HELD_OUT, TRAINING), Prediction(np.array([-1]), None))
    played = services(np.random.default_rng(0))
    assert scores(Services([undecided] * COUNT, played.oracles, played.again), ON, ORIGINS) == {}
    assert scores(Services([], [], []), ON, ORIGINS) == {}
