"""The forget set: the images that a request covers, and which copies of them go from which shard."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field, TypeAdapter

from sisa.base.files import read_json, write_json
from sisa.base.params import ClassNames
from sisa.data.images import DOMINANT, Images, Shard, one_of
from sisa.data.variants import in_roles

ONLY_DOMINANT, ALL = SCOPES = ("dominant", "all")


@dataclass(frozen=True)
class ForgetSet:
    """What was asked for, classes, a scope and image ids; the ids that go from each affected shard, and
    those of residual copies, which stay, in each shard that has any.

    near: whether near copies are covered as well; near_copies: which of those that go or stay are near copies, the role
    of each by id, in each shard that has any.
    """

    classes: Annotated[ClassNames, Field(alias="class")]
    scope: str
    images: list[str]
    removed: dict[str, list[str]]
    residual: dict[str, list[str]]
    near: bool = False
    near_copies: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def affected(self) -> list[str]:
        """The shards that lose at least one image."""
        return list(self.removed)

    @property
    def ids(self) -> list[str]:
        """The images to forget, each once, sorted."""
        return sorted({image for ids in self.removed.values() for image in ids})

    @property
    def leaked(self) -> set[str]:
        """The images to forget of which several shards held a copy."""
        copies = Counter(image for ids in [*self.removed.values(), *self.residual.values()] for image in ids)
        return {image for image, count in copies.items() if count > 1}

    def copies(self, of_shard: dict[str, list[str]]) -> tuple[int, int]:
        """How many of these, `removed` or `residual`, are copies pixel by pixel, and how many are near copies."""
        near = sum(len(self.near_copies.get(name, {}).keys() & ids) for name, ids in of_shard.items())
        return sum(map(len, of_shard.values())) - near, near


def forget(
    shards: dict[str, Shard], classes: tuple[str, ...], scope: str, images: Collection[str], near: bool = False
) -> tuple[dict[str, Shard], ForgetSet]:
    """The retain set of each shard, and the forget set, of a request for classes and for image ids, if any.

    near: whether it covers near copies.
    """
    gone = {name: covered(shard, classes, scope, images, near) for name, shard in shards.items()}
    removed = {name: shard.ids[gone[name]].tolist() for name, shard in shards.items() if gone[name].any()}
    retained = {name: shard.take(~gone[name]) for name, shard in shards.items()}
    ids = {image for each in removed.values() for image in each}
    copies = {name: shard.ids[shard.among(ids)].tolist() for name, shard in retained.items()}
    residual = {name: each for name, each in copies.items() if each}
    near_copies = {name: each for name, shard in shards.items() if (each := shard.near_copies(ids))}
    return retained, ForgetSet(classes, scope, sorted(images), removed, residual, near, near_copies)


def covered(
    shard: Shard, classes: Collection[str], scope: str, images: Collection[str], near: bool = False
) -> np.ndarray:
    """The rows of a shard that a request covers, as a mask [n] bool: the union of its classes and of its image ids.

    At scope `dominant` a class is forgotten in the shard of that class, and the copies that leaked into other
    shards survive; at scope `all` it is forgotten in every shard. An image is forgotten in every shard at either
    scope. At sharding=iid every image is dominant, in its one shard, and both scopes are the same. Near copies stay
    unless `near`, and at scope `dominant` those of the class stay in any case. Raises ValueError for another scope.
    """
    if scope not in SCOPES:
        raise ValueError(f"unknown scope {scope!r}")
    of_class = one_of(shard.classes, classes)
    if scope == ONLY_DOMINANT:
        of_class &= shard.roles == DOMINANT
    return (of_class | shard.among(images)) & (near | ~shard.near)


def with_survivors(union: Images, forget_set: ForgetSet) -> Images:
    """The images of the union that are retained or of which a copy survives in some shard, each once, and as that copy.

    The near copies of an image are the same in all shards.
    """
    surviving = [image for ids in forget_set.residual.values() for image in ids]
    images = union.take(~union.among(forget_set.ids) | union.among(surviving))
    role_of = {image: role for each in forget_set.near_copies.values() for image, role in each.items()}
    roles = np.array([role_of.get(image, DOMINANT) for image in images.ids.tolist()], dtype=np.str_)
    return replace(images, pixels=in_roles(images.pixels, roles))


def write(path: Path, forget_set: ForgetSet) -> None:
    write_json(path, TypeAdapter(ForgetSet).dump_python(forget_set, by_alias=True))


def read(path: Path) -> ForgetSet:
    """Raises BadInput when the record is missing or not ours."""
    return read_json(path, ForgetSet)
