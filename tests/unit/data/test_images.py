"""An image's id is that of its pixels and shape, wherever and however it is stored."""

import hashlib
import io

import numpy as np
import pytest
from PIL import Image

from sisa.data.images import Images, Shard, image_id, union

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


def test_the_same_pixels_have_the_same_id_however_they_lie_in_memory():
    stored = io.BytesIO()
    Image.fromarray(PICTURE).save(stored, "PNG", compress_level=9)
    same = [PICTURE.copy(), np.asfortranarray(PICTURE), PICTURE[::-1][::-1], np.array(Image.open(stored))]
    assert {image_id(each) for each in same} == {image_id(PICTURE)}


def test_the_same_bytes_in_another_shape_have_another_id():
    shapes = [(6, 4, 3), (4, 6, 3), (24, 1, 3), (2, 12, 3)]
    assert len({image_id(PICTURE.reshape(shape)) for shape in shapes}) == 4


def test_one_other_pixel_gives_another_id():
    other = PICTURE.copy()
    other[5, 3, 2] ^= 1
    assert image_id(other) != image_id(PICTURE)


def test_an_id_is_sha256_so_that_a_roster_stays_true():
    assert image_id(PICTURE) == hashlib.sha256(b"6x4x3:" + PICTURE.tobytes()).hexdigest()


SHARD = Shard(np.array(["a", "b", "c"]), np.array(["x", "y", "z"]), PICTURE[:3], np.array(list("dld")), np.arange(3))


@pytest.mark.parametrize(
    ("which", "ids"), [([2, 0], "ca"), (np.array([True, False, True]), "ac"), ([], ""), ([1, 1], "bb")]
)
def test_taking_images_takes_every_column(which, ids):
    which = np.array(which, dtype=int) if isinstance(which, list) else which
    taken = SHARD.take(which)
    assert isinstance(taken, Shard)
    assert len(taken) == len(ids)
    assert "".join(taken.ids) == ids
    assert "".join(taken.classes) == "".join({"a": "x", "b": "y", "c": "z"}[image] for image in ids)
    np.testing.assert_array_equal(taken.pixels, PICTURE[["abc".index(image) for image in ids]].reshape(-1, 4, 3))
    assert [*taken.slices] == ["abc".index(image) for image in ids]
    assert "".join(taken.roles) == "".join("dld"["abc".index(image)] for image in ids)


def part(*images):
    places = ["abc".index(image) for image in images]
    return Images(SHARD.ids[places], SHARD.classes[places], SHARD.pixels[places])


@pytest.mark.parametrize("parts", [[part("c", "a"), part("b", "a")], [SHARD], [part("b"), part(*""), part(*"cab")]])
def test_a_union_holds_each_image_once_whatever_parts_it_came_in(parts):
    together = union(parts)
    assert type(together) is Images
    assert "".join(together.ids) == "abc"
    assert "".join(together.classes) == "xyz"
    np.testing.assert_array_equal(together.pixels, SHARD.pixels)


def test_of_an_image_and_its_near_copies_the_union_has_the_image():
    near = Shard(
        np.array(["a", "b"]), np.array(["x", "y"]), PICTURE[[3, 4]], np.array(["flip", "leaked"]), np.arange(2)
    )
    whole = Shard(np.array(["a"]), np.array(["x"]), PICTURE[[0]], np.array(["dominant"]), np.arange(1))
    together = union([near, whole])
    assert together.ids.tolist() == ["a", "b"]
    np.testing.assert_array_equal(together.pixels, PICTURE[[0, 4]])
    np.testing.assert_array_equal(union([near]).pixels, PICTURE[[3, 4]])
    assert near.near_copies({"a", "b"}) == {"a": "flip"}
