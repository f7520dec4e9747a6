"""The pool holds what is on the roster and present, resized, in roster order."""

import numpy as np
import pandas as pd

from sisa.base.params import Dataset
from sisa.data.images import NoPicture, image_id, resize
from sisa.sources.pool import gather
from sisa.stages.prepare import print_holes, print_strangers

TOY = Dataset.model_validate(
    {
        "name": "toy",
        "image_size": 4,
        "channels": 1,
        "test_per_class": 1,
        "forget_class": "cat",
        "class_sets": {"2": ["cat", "dog"]},
        "source": {"kind": "folder"},
    }
)


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def listed(*rows):
    return pd.DataFrame(
        [(file, image_id(picture(seed)), file.split("/")[0]) for file, seed in rows],
        columns=["file", "id", "class"],
        dtype=str,
    )


def present(*rows):
    return [
        (file, file.split("/")[0], NoPicture("cannot be decoded") if seed is None else picture(seed))
        for file, seed in rows
    ]


def test_the_pool_is_in_roster_order_whatever_the_files_are_called():
    roster = listed(("dog/b", 2), ("cat/z", 0), ("cat/a", 1))
    pool, _ = gather(roster, present(("cat/a", 1), ("cat/z", 0), ("dog/b", 2)), TOY)
    assert list(pool.files) == ["dog/b", "cat/z", "cat/a"]
    assert list(pool.ids) == list(roster["id"])
    np.testing.assert_array_equal(pool.pixels[1], resize(picture(0), 4, 1))


def test_missing_changed_and_corrupt_photos_are_holes(capsys):
    roster = listed(("cat/missing", 0), ("cat/changed\x1b", 1), ("cat/corrupt", 2), ("dog/here", 3))
    found = present(("cat/changed\x1b", 9), ("cat/corrupt", None), ("cat/new", 8), ("dog/here", 3))
    pool, strangers = gather(roster, found, TOY)
    assert list(pool.files) == ["dog/here"]
    print_holes(roster, pool, ["cat", "dog"])
    print_strangers(roster, strangers, TOY)
    printed = capsys.readouterr().out
    assert "cat: 0 images, 3 holes" in printed
    assert (
        r"data/raw/toy/cat/changed\x1b has changed since it came in and is now a hole; `make data DATASET=" in printed
    )
    assert "nothing that is on the roster: 1 raw file (`" in printed


def test_a_renamed_photo_is_the_image_that_it_was():
    roster = listed(("cat/a", 0), ("cat/b", 1))
    pool, strangers = gather(roster, present(("cat/IMG_1", 0), ("cat/b", 1), ("cat/copy", 1)), TOY)
    before, _ = gather(roster, present(("cat/a", 0), ("cat/b", 1)), TOY)
    assert strangers == []
    assert all(np.array_equal(getattr(pool, column), getattr(before, column)) for column in ("ids", "files", "pixels"))


def test_a_photo_that_moved_to_another_class_is_a_hole():
    pool, strangers = gather(listed(("cat/a", 0)), present(("dog/a", 0)), TOY)
    assert (len(pool), strangers) == (0, ["dog/a"])


def test_a_pool_without_any_image_is_legal():
    pool, _ = gather(listed(("cat/a", 0)), [], TOY)
    assert len(pool) == 0
    assert pool.pixels.shape == (0, 1, 4, 4)


def test_an_image_of_the_right_size_keeps_its_pixels():
    rgb = picture(0)[:, :6]
    np.testing.assert_array_equal(resize(rgb, 6, 3), rgb.transpose(2, 0, 1))
    grey = np.repeat(rgb[:, :, :1], 3, axis=2)
    np.testing.assert_array_equal(resize(grey, 6, 1)[0], grey[:, :, 0])


def test_resizing_crops_the_centre_to_a_square():
    wide = np.zeros((10, 30, 3), dtype=np.uint8)
    wide[:, 10:20] = 255
    assert (resize(wide, 5, 3) > 230).all()


def test_a_photo_one_pixel_wide_can_be_resized():
    assert resize(np.full((300, 1, 3), 7, dtype=np.uint8), 8, 3).shape == (3, 8, 8)
