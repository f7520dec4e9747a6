"""Expected cost of unlearning in closed form, for requests that fall uniformly on the images; in samples.

The first three are from the analysis of unlearning time in Bourtoule et al. 2021 ("Machine Unlearning", IEEE S&P),
times the epochs; they take shards to be equal and disjoint. `uniform_requests` contains them and admits slices, batches
and copies of an image in several shards.
"""

import numpy as np


def single_request(images: int, slices: int, epochs: float) -> float:
    """One request to a shard of `images` images in R slices: e0 · D · (2/3 + 1/(3R)).

    The sum over the slice j that is hit of the steps r >= j, each of 2 e0/(R+1) epochs over r·D/R images, divided by R.
    The image that goes is still counted, as in the paper.
    """
    return epochs * images * (2 / 3 + 1 / (3 * slices))


def sequential_requests(images: int, shards: int, requests: int, epochs: float) -> float:
    """K requests, one after another, to S shards of together N images: e0 · ((N/S + 1/(2S) - 1) K - K²/(2S)).

    Request i retrains one shard, which has lost (i - 1)/S images on average, without one more.
    """
    shard = images / shards
    return epochs * ((shard + 1 / (2 * shards) - 1) * requests - requests**2 / (2 * shards))


def batched_requests(images: int, shards: int, requests: int, epochs: float) -> float:
    """K requests at once: e0 · (N (1 - (1 - 1/S)^K) - K). A shard is retrained once, if any request hits it."""
    return epochs * (images * (1 - (1 - 1 / shards) ** requests) - requests)


def uniform_requests(
    sizes: np.ndarray, images: int, slices: int, step_epochs: float, requests: int, batch: int
) -> np.ndarray:
    """Expected samples of each of requests/batch batches, [B] float64, when requests fall uniformly on `images` images.

    sizes [S]: images in each shard, copies included; step_epochs: epochs of a slice step. Shard s holds a copy of a
    requested image with probability p = n_s / N, and with q = p·r/R it lies in one of the first r slices, which then
    hold n_s·r/R images less those removed. Step r of shard s is trained again if any of the b requests of a batch lies
    there, so with k requests before it a batch costs

        sum over s and r of e · [ (n_s r/R - k q) (1 - (1 - q)^b) - b q ].

    At R = 1, equal disjoint shards and b = 1 or K this sums up to `sequential_requests` and `batched_requests`; for
    one request it is `single_request` less the epochs of the image that goes. As in the paper, images may be requested
    twice; if none is, the mean differs by a little (docs/cost.md). Raises ValueError unless `batch` divides `requests`.
    """
    if requests % batch:
        raise ValueError(f"{requests} requests are not a whole number of batches of {batch}")
    share = np.arange(1, slices + 1) / slices
    held = np.multiply.outer(np.asarray(sizes, dtype=np.float64), share)  # [S, R], images up to each slice
    chance = held / images
    touched = 1 - (1 - chance) ** batch
    before = np.arange(0, requests, batch)
    return step_epochs * ((held * touched).sum() - before * (chance * touched).sum() - batch * chance.sum())


def class_request(row_sums: np.ndarray, column: np.ndarray, epochs: float) -> float:
    """A class forgotten in the shards that hold it, or several at once: e0 · sum over them of the images retained.

    row_sums [S]: images in each shard; column [S]: images of the classes that the request takes from each shard.
    """
    return float(epochs * (row_sums - column)[column > 0].sum())


def class_requests(matrix: np.ndarray, epochs: float, requests: int) -> np.ndarray:
    """Expected samples of each of K class requests at scope `all`, one after another in random order, [K] float64.

    A class costs what is retained of the shards that hold it; of that, a share k/(S-1) went with the k classes before.
    matrix [S, S] int64, images of each class (column) in each shard (row).
    """
    retained = (matrix.sum(axis=1, keepdims=True) - matrix)[matrix > 0].sum() / len(matrix)
    return epochs * retained * (1 - np.arange(requests) / max(len(matrix) - 1, 1))
