"""An interval covers what it says, at the counts of images and runs that are published; the one before did not."""

import numpy as np
import pytest
from scipy import stats

from sisa.evaluation.intervals import half_width, interval, of_area
from sisa.evaluation.roc import auc, influence

DRAWS, NOISE = 2000, 0.5  # of the variance of a score, half is the image's own and the same in every run
# of photos and silhouettes: leaked copies and dominant images, each against the held-out images of the class
PUBLISHED = {"photos, leaked": (50, 200), "silhouettes, leaked": (50, 180), "silhouettes, dominant": (750, 180)}


class Study:
    """Runs that score the same images: those that were trained on `apart` higher on average, more in some runs."""

    def __init__(self, ins: int, outs: int, apart: float, spread: float = 0.0):
        self.ins, self.outs, self.apart, self.spread = ins, outs, apart, spread
        self.truth = stats.norm.cdf(apart / np.sqrt(2 + spread**2))
        images = np.array([f"{number:04}" for number in range(ins + outs)])
        self.names = images[:ins], images[ins:]

    def own(self, generator: np.random.Generator) -> np.ndarray:
        return generator.normal(0, np.sqrt(1 - NOISE), self.ins + self.outs)

    def play(self, runs: int, generator: np.random.Generator, own=None) -> tuple[np.ndarray, np.ndarray]:
        """The AUC of each run [R], and how far each image moved it [R, ins + outs]."""
        own = self.own(generator) if own is None else own
        areas, moved = [], []
        for _ in range(runs):
            scores = own + generator.normal(0, np.sqrt(NOISE), len(own))
            scores[: self.ins] += generator.normal(self.apart, self.spread)
            sides = scores[: self.ins], scores[self.ins :]
            areas.append(auc(*sides))
            moved.append([*influence(*sides, *self.names).values()])
        return np.array(areas), np.array(moved)

    def coverage(self, runs: int, *intervals) -> list[float]:
        """How often each of these intervals of the same draws holds the truth."""
        generator, covered = np.random.default_rng(0), np.zeros(len(intervals))
        for _ in range(DRAWS):
            played = self.play(runs, generator)
            for number, of in enumerate(intervals):
                _, low, high = of(*played)
                covered[number] += low <= self.truth <= high
        return (covered / DRAWS).tolist()

    def published(self, areas, moved):
        return of_area(areas, moved, min(self.ins, self.outs))


def over_seeds_alone(areas, moved):
    """The interval that was published before: the runs taken as independent, though they share their images."""
    return areas.mean(), *stats.t.interval(0.95, len(areas) - 1, areas.mean(), stats.sem(areas))


@pytest.mark.parametrize("counts", PUBLISHED.values(), ids=PUBLISHED)
def test_the_interval_covers_the_truth_in_19_of_20_draws_and_the_one_over_seeds_alone_did_not(counts):
    study = Study(*counts, apart=0.0)
    ours, before = study.coverage(3, study.published, over_seeds_alone)
    assert 0.93 <= ours <= 0.97
    assert before < 0.93


@pytest.mark.parametrize(("runs", "apart", "spread"), [(3, 1.5, 0.0), (3, 0.0, 0.1), (1, 0.0, 0.0)])
def test_it_covers_high_areas_runs_that_differ_by_themselves_and_a_single_run(runs, apart, spread):
    study = Study(*PUBLISHED["photos, leaked"], apart, spread)
    assert 0.93 <= study.coverage(runs, study.published)[0] <= 0.97


def test_the_difference_of_two_states_is_covered_too():
    """Both states are asked about the same images, whose own part of the score they share, and not the runs' noise."""
    before, after = Study(50, 200, 0.5), Study(50, 200, 1.5)
    generator, covered = np.random.default_rng(0), 0
    for _ in range(DRAWS):
        own = before.own(generator)
        (first, moved_first), (second, moved_second) = (state.play(3, generator, own) for state in (before, after))
        _, low, high = interval(second - first, moved_second - moved_first, 50)
        covered += low <= after.truth - before.truth <= high
    assert 0.93 <= covered / DRAWS <= 0.97


def test_images_that_no_two_runs_share_leave_the_t_interval_of_independent_runs():
    values, apart = np.array([0.6, 0.65, 0.61]), np.kron(np.eye(3), np.full(10, 0.01))
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert interval(values, apart, 10) == pytest.approx((values.mean(), low, high))


def test_what_no_image_and_no_run_moves_is_certain():
    assert of_area(np.array([0.5, 0.5]), np.zeros((2, 4)), 2) == (0.5, 0.5, 0.5)


def test_where_all_images_are_told_apart_the_bound_is_that_of_so_many_trials():
    mean, low, high = of_area(np.array([1.0]), np.zeros((1, 4)), 50)
    assert (mean, high) == (1, 1)
    assert low == pytest.approx(stats.binomtest(50, 50).proportion_ci(method="exact").low)
    assert of_area(np.array([0.0]), np.zeros((1, 4)), 50) == pytest.approx((0, 0, 1 - low))


def test_the_interval_of_an_area_stays_within_its_range():
    moved = np.full((1, 20), 0.02)
    _, low, high = of_area(np.array([0.97]), moved, 10)
    assert 0 < low < 0.97 < high < 1


@pytest.mark.parametrize(("runs", "pool"), [(3, 992), (10, 992), (10, 300)])
def test_independent_runs_that_draw_their_images_from_one_pool_are_covered(runs, pool):
    """As published: each run deals the pool anew, so that an image may be on either side, or on none."""
    generator, covered, (ins, outs) = np.random.default_rng(0), 0, (50, 180)
    for _ in range(DRAWS // 2):
        own, areas, moved = generator.normal(0, np.sqrt(1 - NOISE), pool), [], np.zeros((runs, pool))
        for run in range(runs):
            drawn = generator.permutation(pool)[: ins + outs]
            scores = own[drawn] + generator.normal(0, np.sqrt(NOISE), ins + outs)
            scores[:ins] += 0.5
            sides, names = (scores[:ins], scores[ins:]), np.char.zfill(drawn.astype(str), 4)
            areas.append(auc(*sides))
            moved[run, np.sort(drawn)] = [*influence(*sides, names[:ins], names[ins:]).values()]
        _, low, high = of_area(np.array(areas), moved, ins)
        covered += low <= stats.norm.cdf(0.5 / np.sqrt(2)) <= high
    assert 0.93 <= covered / (DRAWS // 2) <= 0.97


@pytest.mark.parametrize("runs", [3, 5, 10])
def test_the_interval_over_independent_runs_covers_their_mean(runs):
    """Shares of 180 images right, where runs differ by themselves too."""
    generator = np.random.default_rng(0)
    shares = generator.binomial(180, np.clip(generator.normal(0.9, 0.02, (DRAWS, runs)), 0, 1)) / 180
    covered = [abs(each.mean() - 0.9) <= half_width(each) for each in shares]
    assert 0.93 <= np.mean(covered) <= 0.97
