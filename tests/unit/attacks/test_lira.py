"""LiRA on the service finds what a planted signal betrays, and nothing where there is none."""

import numpy as np
import pytest

from sisa.attacks import lira
from sisa.attacks.lira import likelihood_ratio
from sisa.data.images import CANARY, DOMINANT, LEAKED, Candidates
from sisa.evaluation.aggregation import AGGREGATIONS, Loss
from sisa.evaluation.roc import auc
from sisa.inference import shadows
from sisa.inference.outputs import HELD_OUT, TRAINING, Asked, ModelOutputs
from sisa.unlearning.states import AFTER, BEFORE, RETRAINED, RETRAINED_EXACT

SHADOWS, PAIRS, CLASSES = 16, {LEAKED: 60, DOMINANT: 60, CANARY: 10}, 3
LOSS = Loss(1.0, 0.1)
NAMES = ("cat", "cow", "dog")
SAW, NEVER = np.array([40, 40, 40]), np.array([0, 40, 40])


def candidates(count=SHADOWS):
    generator = np.random.default_rng(7)
    origins = np.repeat([*PAIRS], [*PAIRS.values()])
    first = [
        np.stack([coins, 1 - coins], axis=1).ravel() for coins in generator.integers(0, 2, (len(origins), count // 2))
    ]
    inside = ["".join(map(str, part)) for one in first for part in (one, 1 - one)]
    ids = np.array([f"{number:04}" for number in range(2 * len(origins))])
    places = np.where(np.repeat(origins, 2) == CANARY, "place", np.repeat(ids[::2], 2))
    pixels = np.zeros((len(ids), 1, 1, 1), np.uint8)
    return Candidates(ids, np.full(len(ids), "cat"), pixels, places, np.repeat(origins, 2), np.array(inside))


class World:
    """Members whose logit of the class is each image's own, plus `signal` where they were trained on it, plus noise."""

    def __init__(self, signal, seed, count=SHADOWS, removed=()):
        self.signal, self.removed, self.generator = signal, removed, np.random.default_rng(seed)
        self.candidates = candidates(count)
        self.easy = self.generator.normal(0, 5, (len(self.candidates), CLASSES))

    def member(self, trained_on, counts):
        """trained_on [n] bool, of the candidates."""
        logits = self.easy + self.generator.normal(0, 0.3, self.easy.shape)
        logits[:, 0] += self.signal * trained_on
        return logits, counts

    def scores(self):
        """Cat's member is retrained on nothing of the class; the others keep what they were trained on, leaked images
        and canaries."""
        dealt, everything = self.candidates.dealt, self.candidates
        leaked = everything.origins != DOMINANT
        none = np.zeros(len(everything), dtype=bool)
        answered = {name: {} for name in NAMES}
        for number, inside in enumerate(dealt):
            for name in NAMES:
                before = self.member(inside & (leaked | (name == "cat")), SAW)
                answered[name][shadows.column(BEFORE, number)] = told(*before)
            answered["cat"][shadows.column(RETRAINED, number)] = told(*self.member(none, NEVER))
        held = everything.held
        service = {name: self.member(held & (leaked | (name == "cat")), SAW) for name in NAMES}
        again = service | {"cat": self.member(none, NEVER)}
        exact = {name: self.member(none, NEVER) for name in NAMES}
        rows = np.random.default_rng(1).permutation(len(everything))  # of what the service was asked about
        asked = {
            HELD_OUT: Asked(everything.ids[rows[:100]], everything.classes[rows[:100]]),
            TRAINING: Asked(everything.ids[rows[100:]], everything.classes[rows[100:]]),
        }
        states = {BEFORE: service, RETRAINED: again, RETRAINED_EXACT: exact}
        states[AFTER] = {name: each for name, each in service.items() if name != "cat"}
        members = {
            state: {
                name: ModelOutputs({HELD_OUT: each[rows[:100]], TRAINING: each[rows[100:]]}, counts)
                for name, (each, counts) in those.items()
            }
            for state, those in states.items()
        }
        return lira.scores(
            everything, answered, asked, members, ["cat"], np.searchsorted(NAMES, everything.classes), LOSS
        )


def told(logits, counts):
    return ModelOutputs({shadows.CANDIDATES: logits}, counts)


def areas(found):
    return {place: auc(each.ins, each.outs) for place, each in found.items()}


@pytest.fixture(scope="module")
def planted():
    return World(2.0, 0).scores()


def test_every_state_aggregation_and_origin_is_attacked_and_the_difference_of_two_states(planted):
    states = (BEFORE, AFTER, RETRAINED, RETRAINED_EXACT)
    places = {("lira", state, name, origin) for state in states for name in AGGREGATIONS for origin in PAIRS}
    places -= {("lira", RETRAINED_EXACT, "prior_corrected", origin) for origin in PAIRS}  # masks the class
    places |= {
        ("lira_difference", state, name, origin)
        for state in (AFTER, RETRAINED)
        for name in AGGREGATIONS
        for origin in (LEAKED, DOMINANT)
    }
    assert planted.keys() == places


def test_the_images_of_a_place_are_the_held_ones_and_their_own_partners(planted):
    everything, found = candidates(), planted["lira", BEFORE, "mean_logits", LEAKED]
    of_origin = everything.take(everything.origins == LEAKED)
    assert found.in_images.tolist() == of_origin.ids[of_origin.held].tolist()
    assert found.out_images.tolist() == of_origin.ids[~of_origin.held].tolist()


def test_what_members_were_trained_on_is_found_and_what_left_with_them_is_not(planted):
    found = areas(planted)
    for name in AGGREGATIONS:
        assert min(found["lira", state, name, LEAKED] for state in (BEFORE, AFTER, RETRAINED)) > 0.85
        assert min(found["lira", state, name, CANARY] for state in (BEFORE, AFTER, RETRAINED)) > 0.85
        assert found["lira", BEFORE, name, DOMINANT] > 0.75
        for state in (AFTER, RETRAINED):
            assert found["lira", state, name, DOMINANT] == pytest.approx(0.5, abs=0.16)
            assert found["lira_difference", state, name, DOMINANT] > 0.7
        for origin in (LEAKED, DOMINANT):
            area = found.get(("lira", RETRAINED_EXACT, name, origin), 0.5)
            assert area == pytest.approx(0.5, abs=0.16)  # 3 standard errors of 60 pairs


def test_without_a_signal_no_place_has_another_area_than_one_half():
    runs = [areas(World(0.0, seed).scores()) for seed in range(1, 9)]
    for place in runs[0]:
        of_place = np.array([run[place] for run in runs])
        assert of_place.mean() == pytest.approx(0.5, abs=0.1)


def test_a_shadow_ensemble_is_attacked_without_its_twin_so_that_canaries_are_at_one_half_too():
    """Without the ensemble alone, one side has one shadow ensemble fewer: AUC 0.42 of four ensembles."""
    runs = [World(0.0, seed, 4).scores()["lira", BEFORE, "mean_logits", CANARY] for seed in range(20)]
    assert np.mean([auc(each.ins, each.outs) for each in runs]) == pytest.approx(0.5, abs=0.04)


def test_each_canary_is_asked_of_every_shadow_ensemble_and_of_one_exact_ensemble(planted):
    before, exact = (planted["lira", state, "mean_logits", CANARY] for state in (BEFORE, RETRAINED_EXACT))
    assert len(before.ins) == len(before.outs) == SHADOWS * PAIRS[CANARY]
    assert set(before.in_images) == set(before.out_images)
    assert len(exact.ins) == len(exact.outs) == PAIRS[CANARY]
    assert not set(exact.in_images) & set(exact.out_images)
    everything = candidates()
    dealt = everything.take(everything.dealt[0] & (everything.origins == CANARY))
    assert set(exact.in_images) == set(dealt.ids)


def test_two_shadow_ensembles_are_too_few_for_canaries():
    assert {place[3] for place in World(2.0, 0, 2).scores()} == {LEAKED, DOMINANT}


def test_each_candidate_is_attacked_by_the_odds_of_the_class_that_it_is_taught_as():
    believed = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    member = told(np.log(believed), SAW)
    found = lira.odds("mean_probabilities", [member], np.array([0, 1]), LOSS)
    np.testing.assert_allclose(found, np.log([0.6 / 0.4, 0.7 / 0.3]))
    never_saw_cat = told(np.log(believed), NEVER)
    assert lira.odds("prior_corrected", [never_saw_cat], np.array([0, 1]), LOSS) is None
    assert lira.odds("prior_corrected", [never_saw_cat], np.array([1, 1]), LOSS) is not None


def test_without_shadow_ensembles_nothing_is_attacked():
    assert World(2.0, 0, 0).scores() == {}


def test_without_candidates_nothing_is_attacked():
    nothing = candidates().take(np.zeros(260, dtype=bool))
    asked = {HELD_OUT: Asked(nothing.ids, nothing.classes)}
    members = {BEFORE: {"cat": ModelOutputs({HELD_OUT: np.zeros((0, 3))}, SAW)}}
    assert lira.scores(nothing, {"cat": {}}, asked, members, [], np.zeros(0, int), LOSS) == {}


def test_the_likelihood_ratio_is_the_one_of_two_normal_distributions():
    inside = np.array([[True], [True], [False], [False]])
    shadows = np.array([[4.0], [6.0], [-1.0], [1.0]])  # 5 and 0, one variance of 2 on each side
    ratio = likelihood_ratio(np.array([5.0]), shadows, inside)
    np.testing.assert_allclose(ratio, [25 / (2 * 2)], rtol=1e-4)


def test_the_likelihood_ratio_has_the_same_bits_on_every_machine(monkeypatch):
    """The logarithm of NumPy has other last digits on another processor, and scores are committed."""
    monkeypatch.delattr(np, "log")
    inside = np.array([[True], [True], [False], [False]])
    assert np.isfinite(likelihood_ratio(np.array([5.0]), np.array([[4.0], [6.0], [-1.0], [1.0]]), inside)).all()


def test_the_likelihood_attack_knows_an_easy_image_from_one_that_was_trained_on():
    """Images differ in how easy they are by more than training changes: only the ratio to each one's own norm tells."""
    generator = np.random.default_rng(0)
    easy = generator.normal(0, 10, 200)
    inside = generator.permuted(np.arange(16)[:, None] % 2 == np.zeros((1, 200)), axis=0)
    shadows = easy + 2 * inside + generator.normal(0, 0.5, (16, 200))
    held = np.arange(200) < 100
    target = easy + 2 * held + generator.normal(0, 0.5, 200)
    ratio = likelihood_ratio(target, shadows, inside)
    assert auc(ratio[held], ratio[~held]) > 0.98
    assert auc(target[held], target[~held]) < 0.7
