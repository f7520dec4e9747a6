"""Membership follows the leakage matrix and the roster, and nothing else."""

import contextlib
import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
import yaml
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.data import tables
from sisa.data.images import Images, Pool, Shard
from sisa.sharding.leakage import DOMINANT, LEAKED, affordable, draw, iid_rows, leakage_matrix, shard_rows
from sisa.sources import roster
from sisa.stages import split

ROOT = Path(__file__).parents[3]
THREE, FIVE = ["cat", "dog", "horse"], ["cat", "chicken", "dog", "elephant", "horse"]


def preset_matrix(level, shards):
    """The matrix of a preset of conf/leakage, for the photos of Animals-10."""
    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        composed = compose("config", [f"leakage={level}", "dataset=animals10", f"classes={len(shards)}"])
    params = OmegaConf.to_container(composed, resolve=True)
    assert params["shards"] == shards
    assert params["leakage"].pop("kind") == "copy"
    return leakage_matrix(shards, **params["leakage"])


def ids(name, count):
    return [hashlib.sha256(f"{name}{number}".encode()).hexdigest() for number in range(count)]


@pytest.mark.parametrize("shards", [THREE, FIVE])
@pytest.mark.parametrize("level", ["none", "low", "high"])
def test_a_shard_holds_800_of_its_own_class_and_50_of_what_leaks_into_it(level, shards):
    expected = np.full((len(shards), len(shards)), 0 if level == "none" else 50)
    if level == "low":
        expected[2:, 0] = 0  # cat leaks into the next shard only: dog of three, chicken of five
    np.fill_diagonal(expected, 800)
    np.testing.assert_array_equal(preset_matrix(level, shards), expected)


def test_at_the_level_neighbour_every_class_leaks_into_the_next_shard_only():
    expected = 800 * np.eye(5, dtype=int) + 50 * np.roll(np.eye(5, dtype=int), 1, axis=0)
    np.testing.assert_array_equal(preset_matrix("neighbour", FIVE), expected)


def test_after_the_last_shard_comes_the_first():
    np.testing.assert_array_equal(leakage_matrix(THREE, 8, 5, ["horse"], 1), [[8, 5, 5], [5, 8, 0], [5, 5, 8]])


def test_reach_counts_the_next_shards_and_every_restricted_class_obeys_it():
    matrix = leakage_matrix(FIVE, 8, 5, ["cat", "elephant"], 2)
    np.testing.assert_array_equal(matrix[:, 0], [8, 5, 5, 0, 0])
    np.testing.assert_array_equal(matrix[:, 3], [5, 0, 0, 8, 5])
    assert (np.delete(matrix, [0, 3], axis=1) > 0).all()


@pytest.fixture(scope="module")
def low():
    """Five classes at level low in full size: the draws, the matrix and the rows of each shard in 3 slices."""
    draws = {name: draw(ids(name, 1000), 180, 800, 0) for name in FIVE}
    matrix = preset_matrix("low", FIVE)
    return draws, matrix, {name: shard_rows(name, FIVE, draws, matrix, 3, 0) for name in FIVE}


@pytest.mark.parametrize("kind", ["copy", "flip", "mixed"])
def test_leaked_images_have_the_role_of_what_they_leak_as_and_nothing_else_moves(kind, low):
    draws, matrix, shards = low
    roles = {"copy": [LEAKED], "flip": ["flip"], "mixed": ["flip", "crop", "recompress", "resize"]}[kind]
    place = {image: place for each in draws.values() for place, image in enumerate(each.dominant)}
    for name in FIVE[:2]:
        rows = shard_rows(name, FIVE, draws, matrix, 3, 0, kind)
        assert [replace(row, role="") for row in rows] == [replace(row, role="") for row in shards[name]]
        for row in rows:
            assert row.role == (DOMINANT if row.class_ == name else roles[place[row.id] % len(roles)])


def test_counts_are_exact(low):
    _, matrix, shards = low
    for shard, expected in zip(FIVE, matrix, strict=True):
        counts = Counter(row.class_ for row in shards[shard])
        assert [counts[name] for name in FIVE] == list(expected)
        assert len({row.id for row in shards[shard]}) == len(shards[shard])
        assert all((row.role == DOMINANT) == (row.class_ == shard) for row in shards[shard])
        assert {row.role for row in shards[shard]} == {DOMINANT, LEAKED}


def test_leaked_copies_are_the_same_for_every_shard_and_dominant_in_their_own(low):
    draws, _, shards = low
    for name in FIVE:
        copies = [{row.id for row in shards[shard] if row.class_ == name} for shard in FIVE if shard != name]
        leaked = [copy for copy in copies if copy]
        assert len(leaked) == (1 if name == "cat" else 4)
        assert all(copy == leaked[0] for copy in leaked)
        assert leaked[0] < set(draws[name].dominant)


def test_test_images_are_in_no_shard(low):
    draws, _, shards = low
    held_out = {image for name in FIVE for image in draws[name].test}
    assert len(held_out) == 5 * 180
    assert not held_out & {row.id for rows in shards.values() for row in rows}


def test_slices_are_ordered_equal_within_one_image_and_mix_the_classes(low):
    _, _, shards = low
    for rows in shards.values():
        slices = [row.slice for row in rows]
        assert slices == sorted(slices)
        sizes = Counter(slices)
        assert set(sizes) == {0, 1, 2}
        assert max(sizes.values()) - min(sizes.values()) <= 1
        assert all(len({row.class_ for row in rows if row.slice == number}) >= 4 for number in sizes)


def test_another_split_seed_draws_other_images():
    first, second = (draw(ids("cat", 30), 10, 20, seed) for seed in (0, 1))
    assert set(first.test) != set(second.test)
    assert sorted(first.test + first.dominant) == sorted(second.test + second.dominant)


@given(st.integers(0, 50), st.integers(0, 3))
def test_photos_appended_to_a_class_move_nothing(added, seed):
    assert draw(ids("cat", 30 + added), 10, 20, seed) == draw(ids("cat", 30), 10, 20, seed)


def test_too_few_images_are_refused_with_the_number_found():
    with pytest.raises(ValueError, match=r"^29$"):
        draw(ids("cat", 29), 10, 20, 0)


LISTED = {name: ids(name, 12) for name in THREE}  # 3 test images and 6 dominant ones; the rest is spare
EVERY = sorted(image for images in LISTED.values() for image in images)


def toy_params(**changes):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"]["test_per_class"] = 3
    params["leakage"] = {"dominant": 6, "leaked": 2, "restricted": ["cat"], "reach": 1, "kind": "copy"}
    params["sharding"] = {"kind": "classes", "folder": "animal_mnist-3"}
    return params | {"classes": 3, "shards": THREE, "slices": 4} | changes


def on_roster(per_class):
    counts = per_class if isinstance(per_class, dict) else dict.fromkeys(THREE, per_class)
    rows = [(f"{name}/{image}", image, name, roster.KEPT) for name in THREE for image in LISTED[name][: counts[name]]]
    return pd.DataFrame(rows, columns=roster.COLUMNS, dtype=str)


def dealt(present, per_class=12, **changes):
    """What the split stage writes when these images, in this order, are in the pool."""
    class_of = {image: name for name, images in LISTED.items() for image in images}
    classes = np.array([class_of[image] for image in present], dtype=np.str_)
    pixels = np.array([list(bytes.fromhex(image)[:4]) for image in present], np.uint8).reshape(-1, 1, 2, 2)
    pool = Pool(np.array(present, np.str_), classes, pixels, np.array(present, np.str_))
    with TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("params.yaml").write_text(yaml.dump(toy_params(**changes)))
        roster.write(paths.roster("animal_mnist"), on_roster(per_class))
        tables.write(paths.POOL, pool)
        split.main()
        shards = changes.get("shards", THREE)
        written = {name: tables.read(paths.SHARDS / f"{name}.parquet", Shard) for name in shards}
        held_out = tables.read(paths.TEST, Images)
    place = {
        name: [*zip(shard.ids, shard.classes, shard.roles, shard.slices, map(bytes, shard.pixels), strict=True)]
        for name, shard in written.items()
    }
    return place | {"test": [*zip(held_out.ids, held_out.classes, map(bytes, held_out.pixels), strict=True)]}


@pytest.fixture(scope="module")
def whole():
    return dealt(EVERY)


def test_the_whole_pool_is_dealt(whole):
    assert {name: len(rows) for name, rows in whole.items()} == {"cat": 10, "dog": 10, "horse": 8, "test": 9}
    assert all(bytes.fromhex(row[0])[:4] == row[-1] for rows in whole.values() for row in rows)


@settings(max_examples=25)
@given(gone=st.sets(st.sampled_from(EVERY)), order=st.permutations(EVERY))
def test_deleting_images_leaves_holes_that_nothing_moves_up_to_fill(whole, gone, order):
    left = {name: [row for row in rows if row[0] not in gone] for name, rows in whole.items()}
    assert dealt([image for image in order if image not in gone]) == left


def test_a_whole_class_may_be_gone(whole):
    left = dealt([image for image in EVERY if image not in LISTED["cat"]])
    assert left == {name: [row for row in rows if row[1] != "cat"] for name, rows in whole.items()}
    assert len(left["cat"]) == 4


@pytest.mark.parametrize("per_class", [9, 10])
def test_appending_to_the_roster_changes_no_byte_of_what_is_dealt(whole, per_class):
    assert dealt(EVERY, per_class) == whole


TWO = ["iid-1", "iid-2"]
IID = {
    "sharding": {"kind": "iid", "shards": 2, "names": {"2": TWO}, "folder": "animal_mnist-3-iid-2"},
    "shards": TWO,
    "leakage": {"dominant": 6, "leaked": 0, "restricted": [], "reach": 0, "kind": "copy"},
}


def test_random_shards_hold_each_image_of_the_class_shards_once_as_its_own(whole):
    found = dealt(EVERY, **IID)
    assert {name: len(rows) for name, rows in found.items()} == {"iid-1": 9, "iid-2": 9, "test": 9}
    assert found["test"] == whole["test"]
    rows = [row for name in TWO for row in found[name]]
    assert sorted(row[0] for row in rows) == sorted({row[0] for name in THREE for row in whole[name]})
    assert {row[2] for row in rows} == {DOMINANT}
    assert all(len({row[1] for row in found[name]}) == 3 for name in TWO)  # no shard is a class


def test_holes_move_nothing_between_random_shards():
    gone = set(EVERY[::5])
    left = {name: [row for row in rows if row[0] not in gone] for name, rows in dealt(EVERY, **IID).items()}
    assert dealt([image for image in EVERY if image not in gone], **IID) == left


@pytest.mark.parametrize("count", [2, 5, 7])
def test_random_shards_and_their_slices_are_equal_within_one_image(count):
    draws, names = {name: draw(ids(name, 980), 180, 800, 0) for name in THREE}, [f"iid-{n}" for n in range(count)]
    shards = {name: iid_rows(name, names, draws, 3, 0) for name in names}
    sizes = {len(rows) for rows in shards.values()}
    assert max(sizes) - min(sizes) <= 1
    for rows in shards.values():
        parts = Counter(row.slice for row in rows).values()
        assert len(parts) == 3
        assert max(parts) - min(parts) <= 1
        assert min(Counter(row.class_ for row in rows).values()) > 0.8 * len(rows) / 3  # drawn from all classes alike


def test_another_split_seed_deals_random_shards_anew():
    draws, names = {name: draw(ids(name, 30), 10, 20, 0) for name in THREE}, ["iid-1", "iid-2"]
    first, second = ({row.id for row in iid_rows("iid-1", names, draws, 1, seed)} for seed in (0, 1))
    assert first != second


def test_too_few_on_the_roster_is_said_with_the_numbers_and_the_way_out():
    with pytest.raises(BadInput, match=r"class cat has 8 images, but .*dominant=6 .*test_per_class=3 need 9; .*make"):
        dealt(EVERY, per_class=8)
    with pytest.raises(BadInput, match="class dog has 7 images"):  # the one with the fewest
        dealt(EVERY, per_class={"cat": 8, "dog": 7, "horse": 12})


@pytest.mark.parametrize(
    ("images", "counts"),
    [(1000, (200, 800, 50)), (999, (200, 799, 50)), (150, (30, 120, 8)), (800, (200, 600, 38)), (10, (2, 8, 1))],
)
def test_what_a_class_can_afford_keeps_the_proportions(images, counts):
    assert affordable(images, test=200, dominant=800, leaked=50) == counts


@pytest.mark.parametrize("images", [2, 3, 7, 100, 5000])
def test_what_a_class_can_afford_is_there(images):
    test, dominant, leaked = affordable(images, test=200, dominant=800, leaked=0)
    assert test + dominant <= images
    assert test > 0 < dominant
    assert leaked == 0
