"""Photos come in from folders and .zip files as people have them."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sisa import sources
from sisa.base.errors import BadInput
from sisa.base.params import Dataset
from sisa.data.images import image_id
from sisa.sources.folder import decode

PETS = Dataset.model_validate(
    {
        "name": "pets",
        "image_size": 8,
        "channels": 3,
        "test_per_class": 1,
        "forget_class": "cat",
        "class_sets": {"2": ["cat", "dog"]},
        "source": {"kind": "folder", "other_names": {"cat": "gatto", "dog": "cane"}},
    }
)


def picture(seed, height=6, width=9):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(pixels, kind="PNG", **options):
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, kind, **options)
    return content.getvalue()


def photos_at(folder, contents):
    for file, content in contents.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    return folder


def zipped(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in contents.items():
            archive.writestr(file, content)
    return path


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


PHOTOS = {"cat/a.png": encoded(picture(0)), "dog/b.png": encoded(picture(1))}


def test_photos_of_a_folder_are_copied_into_one_folder_a_class(tmp_path):
    origin = photos_at(tmp_path / "from", {**PHOTOS, "horse/c.png": b"not asked for", "cat/notes.txt": b"no photo"})
    sources.bring_in(PETS, origin, tmp_path / "raw")
    assert files(tmp_path / "raw") == PHOTOS


@pytest.mark.parametrize("packed", [False, True])
def test_italian_names_one_level_below_are_accepted(tmp_path, packed):
    contents = {"raw-img/gatto/a.png": PHOTOS["cat/a.png"], "raw-img/cane/b.png": PHOTOS["dog/b.png"]}
    contents |= {"__MACOSX/raw-img/gatto/._a.png": b"junk", "raw-img/gatto/._a.png": b"junk", "translate.py": b""}
    origin = zipped(tmp_path / "a.zip", contents) if packed else photos_at(tmp_path / "from", contents)
    sources.bring_in(PETS, origin, tmp_path / "raw")
    assert files(tmp_path / "raw") == PHOTOS


def test_bringing_the_same_photos_in_again_changes_nothing(tmp_path):
    origin = photos_at(tmp_path / "from", PHOTOS)
    sources.bring_in(PETS, origin, tmp_path / "raw")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*")}
    sources.bring_in(PETS, origin, tmp_path / "raw")
    sources.bring_in(PETS, None, tmp_path / "raw")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*")} == before


def test_another_photo_of_the_same_name_gets_a_name_of_its_own(tmp_path):
    sources.bring_in(PETS, photos_at(tmp_path / "one", PHOTOS), tmp_path / "raw")
    second = photos_at(tmp_path / "two", {"cat/a.png": encoded(picture(2))})
    for _ in range(2):
        sources.bring_in(PETS, second, tmp_path / "raw")
    assert {**files(tmp_path / "raw"), **PHOTOS} == files(tmp_path / "raw")
    (name,) = files(tmp_path / "raw").keys() - PHOTOS.keys()
    assert name.startswith("cat/a-")
    assert len(name) == len("cat/a-01234567.png")


def test_a_zip_cannot_write_outside_the_raw_folder(tmp_path):
    contents = {**PHOTOS, "../cat/up.png": encoded(picture(3)), "/cat/root.png": encoded(picture(4))}
    sources.bring_in(PETS, zipped(tmp_path / "evil.zip", contents), tmp_path / "deep" / "raw")
    outside = [path for path in tmp_path.rglob("*.png") if tmp_path / "deep" / "raw" not in path.parents]
    assert not outside


@pytest.mark.parametrize("contents", [{"cat/a.png": PHOTOS["cat/a.png"]}, {**PHOTOS, "dog/b.png": b"x"}, {}])
def test_a_class_without_photos_is_refused_before_anything_is_copied(tmp_path, contents):
    (tmp_path / "from" / "dog").mkdir(parents=True)
    with pytest.raises(BadInput, match=r"class (cat|dog)"):
        sources.bring_in(PETS, photos_at(tmp_path / "from", contents), tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_folders_of_no_class_are_named_where_they_hold_photos(tmp_path, capsys):
    photos_at(tmp_path / "from", PHOTOS | {"dgo/1.png": encoded(picture(9)), "raw-img/bird/1.png": encoded(picture(8))})
    (tmp_path / "from/empty").mkdir()
    sources.bring_in(PETS, tmp_path / "from", tmp_path / "raw")
    assert capsys.readouterr().out == "left out, folders of no class of pets: dgo, bird\n"


def test_the_message_about_a_missing_class_lists_the_accepted_names(tmp_path):
    origin = photos_at(tmp_path / "from", {"cat/a.png": PHOTOS["cat/a.png"]})
    with pytest.raises(BadInput, match=r"class dog: no photos in .*from; expected a folder dog/ or cane/"):
        sources.bring_in(PETS, origin, tmp_path / "raw")


def test_new_photos_of_one_class_can_be_added_later(tmp_path):
    sources.bring_in(PETS, photos_at(tmp_path / "one", PHOTOS), tmp_path / "raw")
    sources.bring_in(PETS, photos_at(tmp_path / "two", {"cat/new.png": encoded(picture(5))}), tmp_path / "raw")
    assert "cat/new.png" in files(tmp_path / "raw")


@pytest.mark.parametrize("content", [b"no zip", zipped(io.BytesIO(), PHOTOS)])
def test_a_damaged_zip_is_refused(tmp_path, content):
    if not isinstance(content, bytes):
        damaged = bytearray(content.getvalue())
        damaged[damaged.index(b"IDAT") + 5] ^= 255
        content = bytes(damaged)
    (tmp_path / "from.zip").write_bytes(content)
    with pytest.raises(BadInput, match=r"from\.zip: (neither a folder nor a \.zip|damaged at cat/a\.png)"):
        sources.bring_in(PETS, tmp_path / "from.zip", tmp_path / "raw")


def test_a_folder_that_does_not_exist_is_said_to_be_missing(tmp_path):
    with pytest.raises(BadInput, match="photos: no such folder or file"):
        sources.bring_in(PETS, tmp_path / "photos", tmp_path / "raw")


def test_without_photos_the_message_asks_where_they_are(tmp_path):
    with pytest.raises(BadInput, match="make data DATASET=pets FROM="):
        sources.bring_in(PETS, None, tmp_path / "raw")
    with pytest.raises(BadInput, match="make data DATASET=pets"):
        list(sources.pictures(PETS, tmp_path / "raw", ["cat"]))


def test_photos_are_read_in_the_order_of_their_names(tmp_path):
    for name in ("dog/1.png", "cat/b.JPG", "cat/a.webp"):
        photos_at(tmp_path, {name: encoded(picture(0))})
    found = [(file, name) for file, name, _ in sources.pictures(PETS, tmp_path, ["dog", "cat"])]
    assert found == [("cat/a.webp", "cat"), ("cat/b.JPG", "cat"), ("dog/1.png", "dog")]


def test_a_class_folder_that_was_deleted_has_no_pictures(tmp_path):
    photos_at(tmp_path, {"dog/1.png": encoded(picture(0))})
    assert [name for _, name, _ in sources.pictures(PETS, tmp_path, ["cat", "dog"])] == ["dog"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_accepted_format_decodes_to_rgb(kind):
    pixels = np.full((5, 7, 3), (200, 100, 50), dtype=np.uint8)
    np.testing.assert_allclose(decode(encoded(pixels, kind, quality=95)).astype(int), pixels, atol=6)


def test_grey_and_transparent_photos_become_rgb():
    grey = picture(0)[:, :, 0]
    np.testing.assert_array_equal(decode(encoded(grey)), np.repeat(grey[:, :, None], 3, axis=2))
    assert decode(encoded(np.dstack([picture(0), grey]))).shape == (6, 9, 3)


def test_a_photo_taken_with_a_turned_camera_comes_out_upright():
    turned = Image.Exif()
    turned[0x0112] = 6  # the top of the scene is on the right
    pixels = picture(0)
    np.testing.assert_array_equal(decode(encoded(pixels, exif=turned)), np.rot90(pixels, k=-1))


def test_corrupt_truncated_and_foreign_files_are_undecodable():
    whole = encoded(picture(0, 60, 60), "JPEG")
    for content in (b"", b"no photo", whole[: len(whole) // 2], encoded(picture(0), "GIF")):
        assert decode(content) is None


def test_a_decompression_bomb_is_undecodable(monkeypatch):
    content = encoded(picture(0))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    assert decode(content) is None


def test_photos_need_no_torch():
    code = "import sys; from sisa import sources; import sisa.sources.folder; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3] / "src", check=True)


def test_an_erased_picture_leaves_under_every_name(tmp_path):
    same, kept = picture(7), picture(8)
    copies = {
        "cat/x.png": encoded(same),
        "cat/other.webp": encoded(same, "WEBP", lossless=True),
        "dog/y.png": encoded(same),
    }
    photos_at(tmp_path / "raw", PHOTOS | copies | {"cat/z.png": encoded(kept), "cat/bad.png": b"x"})
    ids = {image_id(np.asarray(Image.open(io.BytesIO(encoded(same))).convert("RGB")))}
    assert sources.holding(PETS, tmp_path / "raw", ids) == sorted(copies)
    assert sources.erase(PETS, tmp_path / "raw", ids) == sorted(copies)
    assert files(tmp_path / "raw") == PHOTOS | {"cat/z.png": encoded(kept), "cat/bad.png": b"x"}
    assert sources.erase(PETS, tmp_path / "raw", ids) == []
