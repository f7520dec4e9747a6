"""Shadow models see half of the images in question, and otherwise what the member saw."""

import numpy as np
import pytest

from sisa.base.errors import BadInput
from sisa.data.images import Images, Shard
from sisa.inference import shadows

GENERATOR = np.random.default_rng(0)


def images(names, start):
    ids = np.array([f"{start + number:03}" for number in range(len(names))])
    return ids, np.array(names), np.arange(start, start + len(names), dtype=np.uint8).reshape(-1, 1, 1, 1)


SHARD = Shard(*images(["dog"] * 6 + ["cat"] * 3, 0), np.array(["dominant"] * 6 + ["leaked"] * 3), np.arange(9) % 2)
OTHERS = Images(*images(["cat"] * 9 + ["dog"] * 4, 5))  # the first of them are in the shard


def drawn():
    return shadows.candidates(SHARD, OTHERS, "cat", np.random.default_rng(0))


def test_candidates_are_half_held_by_the_shard_and_half_not():
    found = drawn()
    assert set(found.ids[found.held]) == {"006", "007", "008"}
    assert len(found.ids) == 6
    assert not set(found.ids[~found.held]) & set(SHARD.ids)
    np.testing.assert_array_equal(found.pixels.ravel(), [int(image) for image in found.ids])


def test_a_shard_without_the_class_has_no_candidates():
    assert len(shadows.candidates(SHARD, OTHERS, "horse", GENERATOR).ids) == 0


def test_each_image_is_in_half_of_the_models_and_each_model_has_half_of_the_images():
    inside = shadows.deal(8, 5, GENERATOR)
    assert inside.shape == (8, 10)
    assert (inside.sum(axis=0) == 4).all()
    assert (inside.sum(axis=1) == 5).all()


def test_a_shadow_shard_has_the_images_dealt_to_it_and_all_others_as_they_were():
    found = drawn()
    inside = np.array([True, False, False, True, False, True])
    shard = shadows.shadow_shard(SHARD, found, inside)
    assert set(shard.ids) == set(SHARD.ids[:6]) | set(found.ids[inside])
    np.testing.assert_array_equal(shard.pixels.ravel(), [int(image) for image in shard.ids])
    np.testing.assert_array_equal(shard.classes, SHARD.classes)


def test_what_was_written_is_read(tmp_path):
    asked = shadows.ShadowOdds(drawn().ids, drawn().held, shadows.deal(4, 3, GENERATOR), GENERATOR.normal(size=(4, 6)))
    shadows.write(tmp_path / "dog.csv", asked)
    again = shadows.read(tmp_path / "dog.csv")
    for name in ("ids", "held", "inside", "log_odds"):
        np.testing.assert_array_equal(getattr(again, name), getattr(asked, name))


def test_no_shadow_models_are_read_as_none(tmp_path):
    nothing = np.empty((0, 6))
    shadows.write(tmp_path / "dog.csv", shadows.ShadowOdds(drawn().ids, drawn().held, nothing.astype(bool), nothing))
    assert shadows.read(tmp_path / "dog.csv") is None


@pytest.mark.parametrize("damage", [lambda text: text[:-9], lambda text: "id\n", lambda text: text.replace("0.", "x.")])
def test_a_damaged_table_is_refused(tmp_path, damage):
    asked = shadows.ShadowOdds(drawn().ids, drawn().held, shadows.deal(2, 3, GENERATOR), GENERATOR.normal(size=(2, 6)))
    shadows.write(tmp_path / "dog.csv", asked)
    (tmp_path / "dog.csv").write_text(damage((tmp_path / "dog.csv").read_text()))
    with pytest.raises(BadInput, match="dvc checkout"):
        shadows.read(tmp_path / "dog.csv")
