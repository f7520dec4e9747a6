"""Each aggregation answers small cases as computed by hand, and abstains where it knows nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sisa.base.errors import BadInput
from sisa.evaluation.aggregation import (
    AGGREGATIONS,
    MORE,
    TEMPERATURE,
    UNDECIDED,
    Loss,
    couple,
    log_ratios,
    majority_vote,
    mean_logits,
    mean_probabilities,
    predict,
    prior_corrected,
    probabilities,
    rule,
)

LN = np.log
PLAIN, ADJUSTED = Loss(0, 0), Loss(1, 0)
COUNTS = np.array([[800, 50, 50], [50, 800, 50], [50, 50, 800]])


def logits(*members):
    """[M, 1, K] of one image."""
    return np.array(members, dtype=float)[:, None, :]


def sigmoid(value):
    return 1 / (1 + np.exp(-value / TEMPERATURE))


def test_mean_logits_lets_a_member_veto():
    members = logits([4, 0, -2], [2, 1, -30])
    np.testing.assert_allclose(mean_logits(members, COUNTS[:2], PLAIN), [[3, 0.5, -16]])
    assert predict("mean_logits", members, COUNTS[:2], PLAIN) == [0]


def test_mean_probabilities_is_the_mean_of_the_softmax():
    members = logits(LN([1, 1, 2]), LN([6, 1, 1]) + 1000)
    np.testing.assert_allclose(mean_probabilities(members, COUNTS[:2], PLAIN), [[0.5, 0.1875, 0.3125]])


@pytest.mark.parametrize(
    ("members", "winner"),
    [
        ([LN([34, 33, 33]), LN([34, 33, 33]), LN([1, 1, 98])], 0),  # two votes beat one, however sure that one is
        ([LN([5, 4, 1]), LN([1, 8, 1])], 1),  # a tie of votes: 0.3 against 0.6
        ([LN([6, 3, 1]), LN([3, 1, 6])], 0),  # 0.45 against 0.35, the class without a vote having 0.2
        ([LN([1, 2, 2]), LN([2, 1, 2])], 0),  # equal logits in a member: its vote goes to the first
        ([LN([1, 6, 3]), LN([1, 3, 6])], 1),  # tied in votes and in mean probability: class order
    ],
)
def test_majority_ties_go_to_the_higher_mean_probability_and_then_to_class_order(members, winner):
    assert predict("majority_vote", logits(*members), np.ones((len(members), 3)), PLAIN) == [winner]


def test_a_class_without_a_vote_never_wins_the_majority():
    members = logits(*[LN([51, 49, 1e-9])] * 2, *[LN([1e-9, 49, 51])] * 2)  # most probable: the one that none names
    assert mean_probabilities(members, np.ones((4, 3)), PLAIN).argmax() == 1
    assert majority_vote(members, np.ones((4, 3)), PLAIN).argmax() == 0


def test_prior_corrected_compares_pairs_by_the_members_that_saw_both():
    counts = np.array([[800, 50, 0], [0, 800, 50]])
    many, few = LN(800 + MORE), LN(50 + MORE)
    members = logits([many + 1, few + 0.5, 9], [-9, many + 2, few + 1])
    pairs = {"01": sigmoid(0.5), "12": sigmoid(1), "02": 0.5}
    expected = [pairs["01"] + pairs["02"], (1 - pairs["01"]) + pairs["12"], (1 - pairs["12"]) + (1 - pairs["02"])]
    np.testing.assert_allclose(prior_corrected(members, counts, PLAIN), [expected])


def test_prior_corrected_weighs_members_by_the_images_of_the_pair():
    counts = np.array([[30, 10], [100, 20]])
    members = np.log(counts + MORE)[:, None, :] + np.array([[[1, 0]], [[0, 2]]])
    difference = (40 * 1 + 120 * -2) / 160
    expected = [[sigmoid(difference), sigmoid(-difference)]]
    np.testing.assert_allclose(prior_corrected(members, counts, PLAIN), expected)


@pytest.mark.parametrize("adjusted", [0, 0.25, 1])
def test_a_prior_that_the_loss_took_out_is_not_corrected_again(adjusted):
    found = np.array([[1.0, 2.0, 0.5]])
    members = (found + LN(COUNTS[:1] + MORE) - adjusted * LN(COUNTS[:1]))[:, None, :]
    np.testing.assert_allclose(
        prior_corrected(members, COUNTS[:1], Loss(adjusted, 0)),
        prior_corrected(found[:, None, :], np.ones((1, 3)), PLAIN),
    )
    assert predict("prior_corrected", members, COUNTS[:1], Loss(adjusted, 0)) == [1]


def test_after_a_shard_is_dropped_leaked_copies_still_name_its_class_where_averaged_logits_cannot():
    counts = np.array([[50, 800, 50], [0, 50, 800]])  # dog and horse at level low; cat's own shard is gone
    members = logits([LN(50) + 6, LN(800), LN(50)], [-60, LN(50), LN(800)])
    assert predict("mean_logits", members, counts, PLAIN) != [0]
    assert predict("prior_corrected", members, counts, PLAIN) == [0]


CASES = st.tuples(st.integers(1, 4), st.integers(2, 4)).flatmap(
    lambda shape: st.tuples(
        arrays(float, (shape[0], 3, shape[1]), elements=st.floats(-20, 20)),
        arrays(np.int64, shape, elements=st.sampled_from([0, 0, 1, 50, 800])),
        arrays(float, (shape[0], 3, shape[1]), elements=st.floats(-1e6, 1e6)),
        st.permutations(range(shape[0])),
        st.builds(Loss, st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.0, 0.1])),
    )
)


@given(CASES)
def test_a_member_abstains_on_classes_that_it_never_saw(case):
    members, counts, noise, _, loss = case
    noisy = np.where((counts == 0)[:, None, :], noise, members)
    np.testing.assert_array_equal(prior_corrected(noisy, counts, loss), prior_corrected(members, counts, loss))


@given(CASES)
def test_a_class_that_no_served_member_saw_is_never_named(case):
    members, counts, _, _, loss = case
    named = predict("prior_corrected", members, counts, loss)
    assert set(named.tolist()) <= {UNDECIDED, *np.flatnonzero(counts.any(axis=0)).tolist()}


def test_an_aggregation_that_there_is_not_is_answered_with_those_that_there_are():
    with pytest.raises(BadInput, match="aggregation is 'mean'; choose one of prior_corrected, mean_logits, "):
        rule("mean")


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@given(case=CASES)
def test_the_order_of_the_members_does_not_matter(aggregation, case):
    members, counts, _, order, loss = case
    score = AGGREGATIONS[aggregation]
    np.testing.assert_allclose(
        score(members[order], counts[order], loss), score(members, counts, loss), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_shift_of_a_members_logits_changes_no_answer(aggregation):
    members = np.random.default_rng(0).normal(size=(3, 50, 3)) * 3
    shifted = members + np.array([5.0, -7.0, 100.0])[:, None, None]
    np.testing.assert_array_equal(
        predict(aggregation, shifted, COUNTS, Loss(0.5, 0.1)), predict(aggregation, members, COUNTS, Loss(0.5, 0.1))
    )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_an_empty_ensemble_is_undecided(aggregation):
    answer = predict(aggregation, np.zeros((0, 4, 3)), np.zeros((0, 3), int), PLAIN)
    np.testing.assert_array_equal(answer, [UNDECIDED] * 4)


@pytest.mark.parametrize("shards", [[0, 1, 2], [1, 2]], ids=["before", "after"])
def test_pure_shards_are_undecided_and_not_settled_by_class_order(shards):
    pure = np.diag([800, 800, 800])[shards]
    members = np.random.default_rng(0).normal(size=(len(shards), 4, 3))
    np.testing.assert_array_equal(predict("prior_corrected", members, pure, PLAIN), [UNDECIDED] * 4)
    assert UNDECIDED not in predict("mean_logits", members, pure, PLAIN)


@pytest.mark.parametrize("counts", [[[0, 800, 0]], [[0, 800, 0], [0, 50, 0]], [[0, 0, 0], [0, 1, 0]]])
def test_a_single_remaining_class_is_named(counts):
    members = np.random.default_rng(0).normal(size=(len(counts), 4, 3))
    np.testing.assert_array_equal(predict("prior_corrected", members, np.array(counts), PLAIN), [1] * 4)


def test_members_that_saw_nothing_at_all_are_undecided():
    answer = predict("prior_corrected", np.zeros((2, 4, 3)), np.zeros((2, 3), int), PLAIN)
    np.testing.assert_array_equal(answer, [UNDECIDED] * 4)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_probabilities_sum_to_one_and_their_highest_is_the_answer(aggregation):
    random = np.random.default_rng(0)
    members = random.normal(0, 3, (1, 2000, 3)) + random.normal(0, 1, (3, 2000, 3))  # that mostly agree
    believed = probabilities(aggregation, members, COUNTS, Loss(0.5, 0.1))
    np.testing.assert_allclose(believed.sum(axis=1), 1)
    assert (believed >= 0).all()
    agree = believed.argmax(axis=1) == predict(aggregation, members, COUNTS, Loss(0.5, 0.1))
    assert agree.mean() > 0.99 if aggregation == "prior_corrected" else agree.all()  # coupling may tip a close call


def test_coupling_gives_back_the_probabilities_that_the_pairs_came_from():
    p = np.array([[0.7, 0.2, 0.1], [0.02, 0.97, 0.01]])
    np.testing.assert_allclose(couple(p[:, :, None] / (p[:, :, None] + p[:, None, :])), p)


def test_a_class_that_no_member_saw_is_not_believed_in():
    counts = np.array([[800, 50, 0], [50, 800, 0]])
    believed = probabilities("prior_corrected", logits([1, 2, 30], [1, 0, 30]), counts, ADJUSTED)
    assert believed[0, 2] == 0
    np.testing.assert_allclose(believed.sum(), 1)


def test_the_only_class_that_was_seen_is_certain():
    np.testing.assert_allclose(
        probabilities("prior_corrected", logits([1, 2, 3]), np.array([[0, 9, 0]]), ADJUSTED), [[0, 1, 0]]
    )


def test_nothing_is_believed_where_nothing_is_decided():
    assert probabilities("prior_corrected", logits([1, 2, 3], [1, 2, 3]), np.eye(3)[:2], ADJUSTED) is None
    assert probabilities("mean_logits", np.empty((0, 5, 3)), np.empty((0, 3)), ADJUSTED) is None


def smoothed(p, counts, loss):
    """The logits [M, n, K] at which the loss of members with these counts is least, where an image is of class k with
    probability p[n, k]: the adjusted softmax is then the mean of the smoothed labels."""
    share = counts / counts.sum(axis=1, keepdims=True)
    target = (1 - loss.smoothing) * p + loss.smoothing / p.shape[1]
    return np.log(target) - loss.adjustment * LN(share)[:, None, :]


@pytest.mark.parametrize("loss", [PLAIN, ADJUSTED, Loss(1, 0.1), Loss(0.5, 0.2)])
def test_evidence_is_what_the_shares_of_the_shard_and_the_smoothing_of_the_labels_leave(loss):
    counts, p = np.array([[800, 50, 5]]), np.array([[0.9, 0.09, 0.01], [0.2, 0.2, 0.6]])
    found = log_ratios(smoothed(p, counts, loss), counts, loss, more=0)
    np.testing.assert_allclose(found[0], LN(p / (counts[0] / counts.sum())), rtol=1e-9)


def test_priors_are_shrunk_as_by_more_images_of_each_class():
    counts, loss, p = np.array([[800, 50, 5]]), Loss(1, 0.1), np.array([[0.2, 0.2, 0.6]])
    found = log_ratios(smoothed(p, counts, loss), counts, loss, more=20)
    np.testing.assert_allclose(found[0], LN(p / (np.array([820, 70, 25]) / 915)), rtol=1e-9)


def test_a_class_that_the_member_never_saw_takes_no_part_in_undoing_the_smoothing():
    counts, share, loss = np.array([[800, 50, 0]]), np.array([800, 50, 850]) / 850, Loss(1, 0.1)
    p = np.array([[0.9, 0.1, 0.0]])
    members = np.log(0.9 * p + 0.1 / 3) - LN(share) + [0, 0, 7.0]
    found = log_ratios(members[None], counts, loss, more=0)
    np.testing.assert_allclose(found[0, 0, :2], LN(p[0, :2] / share[:2]))


@pytest.mark.parametrize("leaked", [1, 5, 10, 25])
def test_an_image_of_another_class_does_not_speak_for_cats_because_a_few_cats_leaked(leaked):
    """Cat's shard is gone: each pair of cat and another class is judged by the member of that class alone."""
    generator, loss = np.random.default_rng(0), Loss(1, 0.1)
    counts = np.full((2, 3), leaked)
    counts[[0, 1], [1, 2]] = 800
    dogs = np.tile([0.0, 1.0, 0.0], (1000, 1))  # as sure as the smoothed labels let a member be
    members = np.concatenate([smoothed(dogs, counts[member : member + 1], loss) for member in range(2)])
    assert (members[0, :, 0] > members[0, :, 1]).all()  # by logits, which the loss adjusted, the dogs' member says cat
    scores = prior_corrected(members, counts, loss)
    np.testing.assert_allclose(
        scores[:, 0], scores[:, 2], atol=0.01
    )  # of what it is not, a cat is no likelier than a horse
    noisy = members + generator.normal(0, 0.1, members.shape)
    assert (prior_corrected(noisy, counts, loss).argmax(axis=1) == 1).all()
