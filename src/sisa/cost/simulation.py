"""Random requests played against any shards, slices and leakage, without training; costs in samples.

The images of class c are dominant in shard c, and the first matrix[s, c] of them, in an order of their own, have a copy
in shard s. Requests come in batches; a batch retrains each shard that it touches once, from the first slice touched.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

WHOLE_CLASS = -1


@dataclass(frozen=True)
class Requests:
    """K requests in order, no image twice: classes [K] int64, and ranks in the class [K] int64, or WHOLE_CLASS."""

    classes: np.ndarray
    ranks: np.ndarray


@dataclass(frozen=True)
class Played:
    """Samples of each batch, [B] float64: retraining the affected shards, and one model on all that is left."""

    retraining: np.ndarray
    full: np.ndarray


def uniform(dominant: np.ndarray, requests: int, rng: np.random.Generator) -> Requests:
    """Images drawn at random; dominant [C] int64 is the number of images of each class."""
    return located(dominant, rng.choice(dominant.sum(), requests, replace=False))


def by_class(dominant: np.ndarray, requests: int, rng: np.random.Generator) -> Requests:
    """Whole classes, in random order."""
    return Requests(rng.permutation(len(dominant))[:requests], np.full(requests, WHOLE_CLASS))


def by_user(dominant: np.ndarray, requests: int, rng: np.random.Generator, owned: int) -> Requests:
    """Bursts: users, in random order, who each take back all of the `owned` images that they have, of one class.

    Of a class that `owned` does not divide, the last user has fewer.
    """
    users = -(-dominant // owned)  # of each class, rounded up
    order = located(users, rng.permutation(users.sum())[:requests])
    first = order.ranks * owned
    count = np.minimum(owned, dominant[order.classes] - first)
    classes, start = np.repeat(order.classes, count), np.repeat(first - offsets(count), count)
    ranks = start + np.arange(len(classes))
    return Requests(classes[:requests], shuffled(dominant, rng)[offsets(dominant)[classes] + ranks][:requests])


def located(counts: np.ndarray, places: np.ndarray) -> Requests:
    """Class and rank of each place in a list of all classes' items, class after class."""
    classes = np.searchsorted(counts.cumsum(), places, side="right")
    return Requests(classes, places - offsets(counts)[classes])


def offsets(counts: np.ndarray) -> np.ndarray:
    return np.r_[0, counts.cumsum()[:-1]]


def shuffled(counts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The ranks of each class in random order, class after class, so that a user's images are not those that leak."""
    order = rng.permutation(counts.sum())
    classes = located(counts, order).classes
    return (order - offsets(counts)[classes])[np.argsort(classes, kind="stable")]


def play(
    matrix: np.ndarray,
    requests: Requests,
    *,
    slices: int,
    step_epochs: float,
    full_epochs: float,
    batch: int,
    scope: str,
    rng: np.random.Generator,
    on_shard: Callable[[], object] = lambda: None,
) -> Played:
    """Carry out the requests, `batch` at a time, against the leakage matrix [S, S] int64.

    A class is forgotten in its own shard only at scope `dominant`, in every shard at `all`; an image in every shard.
    A slice is `step_epochs` epochs on the images up to it. Each image of a shard is equally likely to lie in any place.
    """
    batches = -(-len(requests.classes) // batch)
    of_batch = np.arange(len(requests.classes)) // batch
    whole = requests.ranks == WHOLE_CLASS
    total = np.zeros(batches)
    for shard, row in enumerate(matrix):
        held = row[requests.classes]
        copies = np.where(whole, held, requests.ranks < held)
        if scope != "all":
            copies[whole & (requests.classes != shard)] = 0
        touched, cost = shard_costs(int(row.sum()), np.repeat(of_batch, copies), slices, rng)
        total[touched] += step_epochs * cost
        on_shard()
    distinct = np.where(whole, matrix.diagonal()[requests.classes], 1)
    left = matrix.trace() - np.bincount(of_batch, weights=distinct, minlength=batches).cumsum()
    return Played(total, full_epochs * left)


def shard_costs(
    images: int, removed_in: np.ndarray, slices: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The batches that touch a shard, [G], and the images in the slice steps that each repeats, summed, [G] int64.

    removed_in [m] int64, not decreasing: the batch in which each copy in this shard goes. The copies lie in distinct
    random places of the slices, which are equal to within one image.
    """
    touched, group = np.unique(removed_in, return_inverse=True)
    places = rng.choice(images, len(removed_in), replace=False)
    gone = np.bincount(group * slices + places * slices // max(images, 1), minlength=len(touched) * slices)
    gone = gone.reshape(len(touched), slices)
    sizes = np.bincount(np.arange(images) * slices // max(images, 1), minlength=slices)
    up_to = (sizes - gone.cumsum(axis=0)).cumsum(axis=1)
    repeated = np.arange(slices) >= (gone > 0).argmax(axis=1)[:, None]
    return touched, np.where(repeated, up_to, 0).sum(axis=1)
