"""Candidates are dealt once for all shards, in pairs that only the training of a shadow ensemble can tell apart."""

from dataclasses import replace

import numpy as np
import pytest

from sisa.data import tables
from sisa.data.images import CANARY, DOMINANT, LEAKED, Candidates, Images, Pool, Shard, union
from sisa.sharding.candidates import outside, pair_up, shadow_shard

SHADOWS = 6


def images(class_, start, count):
    """Images whose ids are their pixels."""
    numbers = np.arange(start, start + count)
    ids = np.array([f"{number:03}" for number in numbers], dtype=np.str_)
    return Images(ids, np.full(count, class_), numbers.astype(np.uint8).reshape(-1, 1, 1, 1))


def shard(name, parts, seed):
    """A shard in an order of its own."""
    whole = union(parts)
    order = np.random.default_rng(seed).permutation(len(whole))
    roles = np.where(whole.classes == name, DOMINANT, LEAKED)
    return Shard(*(each[order] for each in (*vars(whole).values(), roles)), np.arange(len(whole)) % 2)


CATS, DOGS, COWS = images("cat", 0, 40), images("dog", 100, 20), images("cow", 150, 20)
SHARDS = {
    "cat": shard("cat", [CATS], 0),
    "cow": shard("cow", [COWS, CATS.take(np.arange(10))], 1),
    "dog": shard("dog", [DOGS, CATS.take(np.arange(10))], 2),
}
OTHERS = union([images("cat", 50, 30), images("dog", 200, 10), images("cow", 220, 10)])
ALONE = {"cat": SHARDS["cat"], "dog": shard("dog", [DOGS], 2)}


def dealt(shards=SHARDS, others=OTHERS, classes=("cat",), seed=0):
    return pair_up(shards, others, classes, SHADOWS, seed)


def test_a_pair_is_an_image_that_shards_hold_and_one_of_its_class_that_none_holds():
    found = dealt()
    candidates = found.take(found.origins != CANARY)
    held, partner = candidates.take(candidates.held), candidates.take(~candidates.held)
    assert held.ids.tolist() == partner.places.tolist() == candidates.ids[::2].tolist()
    assert set(held.ids) <= set(CATS.ids)
    assert set(partner.ids) == set(OTHERS.ids[OTHERS.classes == "cat"])  # as many as there are
    assert len(np.unique(candidates.ids)) == len(candidates)
    leaked = set(CATS.ids[:10])
    assert {image for image in held.ids if image in leaked} == set(held.ids[held.origins == LEAKED])
    np.testing.assert_array_equal(found.pixels.ravel(), found.ids.astype(int))


def test_leaked_images_have_at_most_half_of_the_partners():
    found = dealt(others=OTHERS.take(np.isin(OTHERS.ids, ["050", "051", "052", "053"]) | (OTHERS.classes == "dog")))
    assert [(found.origins == origin).sum() for origin in (LEAKED, DOMINANT)] == [4, 4]


@pytest.mark.parametrize(("shards", "role"), [(SHARDS, LEAKED), (ALONE, DOMINANT)])
def test_canaries_are_of_other_classes_in_places_of_images_that_are_no_candidates(shards, role):
    found = dealt(shards)
    canaries = found.take(found.origins == CANARY)
    assert len(canaries) > 0
    assert set(canaries.ids) <= set(OTHERS.ids[OTHERS.classes != "cat"])
    assert set(canaries.classes) == {"cat"}
    assert not set(canaries.places) & set(found.take(found.origins != CANARY).places)
    assert not canaries.held.any()
    roles = {str(image): kind for each in shards.values() for image, kind in zip(each.ids, each.roles, strict=True)}
    leaked = {image for name in shards if name != "cat" for image in shards[name].ids}
    assert {LEAKED if image in leaked else roles[image] for image in canaries.places} == {role}


def test_exactly_one_of_a_pair_is_inside_and_each_image_is_in_half_of_the_ensembles():
    inside = dealt().dealt
    assert (inside.sum(axis=0) == SHADOWS / 2).all()
    assert (inside[:, ::2] ^ inside[:, 1::2]).all()
    assert (inside[::2] ^ inside[1::2]).all()  # twins
    assert len(np.unique(inside[:, ::2], axis=1).T) == 2 ** (SHADOWS // 2)  # each pair flips for itself


def test_the_deal_depends_on_the_seed_and_on_no_order():
    again = dealt({name: each.take(np.arange(len(each))[::-1]) for name, each in reversed(SHARDS.items())})
    for name, values in vars(dealt()).items():
        np.testing.assert_array_equal(values, getattr(again, name))
    assert dealt().inside.tolist() != dealt(seed=1).inside.tolist()


def test_a_shadow_shard_has_the_images_dealt_to_it_in_the_places_of_the_pair_and_all_others_as_they_were():
    found = dealt()
    for number in range(SHADOWS):
        at = dict(zip(found.places[found.dealt[number]], found.ids[found.dealt[number]], strict=True))
        for whole in SHARDS.values():
            shadow = shadow_shard(whole, found, number)
            assert shadow.ids.tolist() == [at.get(image, image) for image in whole.ids]
            np.testing.assert_array_equal(shadow.pixels.ravel(), shadow.ids.astype(int))
            for column in ("classes", "roles", "slices"):
                np.testing.assert_array_equal(getattr(shadow, column), getattr(whole, column))


def test_an_image_is_inside_all_shards_that_its_pair_has_places_in_or_inside_none():
    found = dealt()
    leaked = found.take(found.origins == LEAKED)
    for number in range(SHADOWS):
        shadows = [shadow_shard(each, found, number) for each in SHARDS.values()]
        for image, inside in zip(leaked.ids, leaked.dealt[number], strict=True):
            assert [image in each.ids for each in shadows] == [inside] * 3


def test_pairs_and_canaries_of_two_classes_are_those_of_each_and_no_image_is_in_two():
    found = dealt(classes=("cat", "dog"))
    of_class = dict(
        zip([*union([*SHARDS.values(), OTHERS]).ids], [*union([*SHARDS.values(), OTHERS]).classes], strict=True)
    )
    canary = found.origins == CANARY
    for name in ("cat", "dog"):
        taught = found.classes == name
        assert {of_class[image] for image in found.ids[taught & ~canary]} == {name}
        assert {of_class[image] for image in found.ids[taught & canary]} == {"cow"}
        assert {of_class[image] for image in found.places[taught]} == {name}
    assert len(np.unique(found.ids)) == len(found)


@pytest.mark.parametrize(
    ("classes", "others"),
    [((), OTHERS), (("horse",), OTHERS), (("cat",), OTHERS.take(np.zeros(len(OTHERS), dtype=bool)))],
)
def test_without_a_class_or_its_images_nothing_is_dealt_and_a_file_says_so(tmp_path, classes, others):
    found = dealt(classes=classes, others=others)
    tables.write(tmp_path / "candidates.parquet", found)
    again = tables.read(tmp_path / "candidates.parquet", Candidates)
    assert len(found) == len(again) == len(again.dealt) == 0


def test_what_was_written_is_read(tmp_path):
    tables.write(tmp_path / "candidates.parquet", dealt())
    again = tables.read(tmp_path / "candidates.parquet", Candidates)
    for name, values in vars(dealt()).items():
        np.testing.assert_array_equal(values, getattr(again, name))


def test_outside_of_the_shards_are_the_held_out_images_and_the_unused_ones_of_the_class():
    unused = images("cat", 50, 3)
    test = images("dog", 200, 2)
    everything = union([*SHARDS.values(), test, unused, images("dog", 230, 2)])
    found = outside(SHARDS, test, Pool(*vars(everything).values(), everything.ids), ("cat",))
    assert found.ids.tolist() == [*unused.ids, *test.ids]


def test_in_the_place_of_a_near_copy_a_candidate_is_a_near_copy_as_well():
    wide = {
        name: replace(each, pixels=np.concatenate([each.pixels, each.pixels + 1], axis=3))
        for name, each in SHARDS.items()
    }
    others = replace(OTHERS, pixels=np.concatenate([OTHERS.pixels, OTHERS.pixels + 1], axis=3))
    near = {
        name: replace(each, roles=np.where(each.roles == LEAKED, "flip", each.roles)) for name, each in wide.items()
    }
    found = pair_up(near, others, ("cat",), SHADOWS, 0)
    np.testing.assert_array_equal(found.ids, dealt().ids)  # a near copy has leaked as a copy has
    shadow = shadow_shard(near["dog"], found, 0)
    taken = np.isin(shadow.ids, found.ids)
    assert taken.any()
    first, second = shadow.pixels.reshape(-1, 2)[taken].T.astype(int)
    np.testing.assert_array_equal(first, shadow.ids[taken].astype(int) + 1)
    np.testing.assert_array_equal(second, shadow.ids[taken].astype(int))
