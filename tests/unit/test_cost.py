"""Cost is counted in samples, and retraining does not count what it resumed from."""

import pytest

from sisa.cost import retraining_samples, samples, summed

LOG = [{"slice": number, "epoch": epoch, "samples": 10 * number} for number in (1, 2, 3) for epoch in (1, 2)]


def test_samples_are_summed_over_slices_and_epochs():
    assert samples(LOG) == 120
    assert samples([]) == 0


@pytest.mark.parametrize(("resumed_after", "expected"), [(0, 120), (1, 100), (2, 60), (3, 0)])
def test_retraining_counts_the_slices_after_the_one_it_resumed_from(resumed_after, expected):
    assert retraining_samples(LOG, resumed_after) == expected


def test_totals_stand_above_the_shards():
    shards = {"cat": {"images": 1, "samples": 10}, "dog": {"images": 2, "samples": 30, "untouched_slices": 1}}
    assert summed(shards) == {"images": 3, "samples": 40, "shard": shards}
