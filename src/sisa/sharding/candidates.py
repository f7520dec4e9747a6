"""Deal the images of classes that shadow models are trained on, or not: once for all shards, in pairs that match."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import numpy as np

from sisa.data.images import CANARY, DOMINANT, LEAKED, Candidates, Images, Shard, one_of, union
from sisa.data.variants import in_roles
from sisa.sharding.leakage import rank

CANARIES = 6  # pairs
SPARED = 8  # of so many places one is a canary's, so that few leaked images leave candidates over


class Pair(NamedTuple):
    """Two images, by their ids, the image whose places they take, their origin, and the class they are taught as."""

    first: str
    second: str
    place: str
    origin: str
    class_: str


def pair_up(shards: dict[str, Shard], others: Images, classes: tuple[str, ...], shadows: int, seed: int) -> Candidates:
    """The candidates of classes, each image that the shards hold with a partner of its class that none holds.

    others: images in no shard, of any class. A pair takes the places of one image: in each shadow ensemble exactly one
    of the two is trained on, in all shards that hold that image, and each of the two in half of the ensembles.
    Of each class, candidates that leaked are paired with at most half of the partners, and dominant ones with those
    that are left. Canaries are `others` of none of these classes, which only memory can take for the class; they take
    places of leaked images that are no candidates, and of dominant ones where none leaked. A pure function of what it
    is given, whatever the order of the images.
    """
    strangers = ranked(others.ids[~one_of(others.classes, classes)], seed)
    pairs = []
    for place, name in enumerate(classes):
        partners = ranked(others.ids[others.classes == name], seed)
        pairs += chosen(shards, name, partners, strangers[place :: len(classes)], seed)
    ids = np.array([image for pair in pairs for image in (pair.first, pair.second)], dtype=np.str_)
    pictures = union([*shards.values(), others])
    pixels = pictures.pixels[np.searchsorted(pictures.ids, ids)]
    inside = [text for pair in pairs for text in deal(shadows, seed, pair.place)]
    once = ([getattr(pair, name) for pair in pairs] for name in ("class_", "place", "origin"))
    taught, places, origins = (np.repeat(np.array(each, dtype=np.str_), 2) for each in once)
    return Candidates(ids, taught, pixels, places, origins, np.array(inside, dtype=np.str_))


def chosen(shards: dict[str, Shard], class_: str, partners: list[str], strangers: list[str], seed: int) -> list[Pair]:
    """The pairs of one class, of partners and strangers in the order in which they are taken."""
    of_class = {name: shard.take(shard.classes == class_) for name, shard in shards.items()}
    copies = {image for shard in of_class.values() for image in shard.ids[shard.roles != DOMINANT]}
    leaked = ranked(copies, seed)
    dominant = ranked({image for shard in of_class.values() for image in shard.ids} - copies, seed)
    lent = leaked or dominant
    canaries = min(CANARIES, -(-len(lent) // SPARED), len(strangers) // 2)
    places = lent[:canaries]
    del lent[:canaries]
    leaked = leaked[: len(partners) // 2]
    dominant = dominant[: len(partners) - len(leaked)]
    held, origins = [*leaked, *dominant], [LEAKED] * len(leaked) + [DOMINANT] * len(dominant)
    pairs = [Pair(*pair, class_) for pair in zip(held, partners, held, origins, strict=False)]
    return pairs + [Pair(*pair, CANARY, class_) for pair in zip(strangers, strangers[canaries:], places, strict=False)]


def ranked(images: Iterable[str], seed: int) -> list[str]:
    """In a random order, the same for the same images."""
    return rank([*map(str, images)], "candidates", seed)


def outside(shards: dict[str, Shard], test: Images, pool: Images, classes: Collection[str]) -> Images:
    """The images that no shard holds, of those held out and, of these classes, of those in the pool."""
    held = union([*shards.values(), test])
    return union([test, pool.take(one_of(pool.classes, classes) & ~pool.among(held.ids))])


def deal(shadows: int, seed: int, place: str) -> tuple[str, str]:
    """In which shadow ensembles the first of a pair is, and in which the second: 0110, 1001.

    A coin decides which of two ensembles gets which, so that without any two such twins each is still in half.
    """
    text = "".join(rank(["01", "10"], "inside", seed, place, number)[0] for number in range(shadows // 2))
    return text, text.translate(str.maketrans("01", "10"))


def shadow_shard(shard: Shard, candidates: Candidates, number: int) -> Shard:
    """The shard of shadow ensemble `number`: each pair's image that is inside, in the place that the pair has here, and
    as what leaks into that place.
    """
    chosen = candidates.take(candidates.dealt[number] & np.isin(candidates.places, shard.ids))
    order = np.argsort(shard.ids)
    rows = order[np.searchsorted(shard.ids, chosen.places, sorter=order)]
    ids, pixels = shard.ids.copy(), shard.pixels.copy()
    ids[rows], pixels[rows] = chosen.ids, in_roles(chosen.pixels, shard.roles[rows])
    return Shard(ids, shard.classes, pixels, shard.roles, shard.slices)
