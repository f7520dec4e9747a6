"""Photos come in from folders and .zip files as people have them."""

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from sisa import sources
from sisa.base.errors import BadInput
from sisa.base.params import Dataset
from sisa.data.images import NoPicture, image_id
from sisa.sources.origin import BROKEN_LINK, CUT_OFF, HIDDEN
from sisa.sources.photo import DAMAGED, FOREIGN
from sisa.sources.report import LeftOut

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


NO_CLASS = "in no folder of a class of pets"


def test_files_in_folders_of_no_class_are_left_out_by_name(tmp_path):
    photos_at(
        tmp_path / "from", PHOTOS | {"dgo/1.png": encoded(picture(9)), "raw-img/bird/1.png": b"", "notes.txt": b""}
    )
    left_out = sources.bring_in(PETS, tmp_path / "from", tmp_path / "raw")
    assert left_out == [LeftOut(file, NO_CLASS) for file in ("dgo/1.png", "notes.txt", "raw-img/bird/1.png")]


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
    with pytest.raises(
        BadInput, match=r"from\.zip: (neither a folder nor a \.zip or \.tar file|cat/a\.png in it cannot be unpacked)"
    ):
        sources.bring_in(PETS, tmp_path / "from.zip", tmp_path / "raw")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadInput, match=r"pipe: neither a folder nor a \.zip or \.tar file"):
        sources.bring_in(PETS, tmp_path / "pipe", tmp_path / "raw")


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


def tarred(path, contents, mode="w:gz"):
    with tarfile.open(path, mode) as archive:
        for file, content in contents.items():
            member = tarfile.TarInfo(file)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def reasons(left_out):
    return {each.file: each.reason for each in left_out}


NESTED = {"raw-img/gatto/siamese/a.png": encoded(picture(2)), "raw-img/gatto/a.png": PHOTOS["cat/a.png"]}
NESTED |= {"raw-img/cane/b.png": PHOTOS["dog/b.png"]}


@pytest.mark.parametrize("packed", ["folder", "zip", "tar", "tar.gz", "tar.xz"])
def test_photos_in_a_folder_below_a_class_belong_to_the_class(tmp_path, packed):
    origin = tmp_path / f"from.{packed}"
    if packed == "folder":
        photos_at(origin, NESTED)
    else:
        zipped(origin, NESTED) if packed == "zip" else tarred(origin, NESTED, f"w:{packed[4:]}")
    assert sources.bring_in(PETS, origin, tmp_path / "raw") == []
    assert files(tmp_path / "raw") == PHOTOS | {"cat/siamese/a.png": encoded(picture(2))}
    assert {file for file, _, _ in sources.pictures(PETS, tmp_path / "raw", ["cat"])} == {
        "cat/a.png",
        "cat/siamese/a.png",
    }


def test_photos_are_known_by_their_content_and_not_by_their_extension(tmp_path):
    kinds = {"a.jpe": "JPEG", "a.jfif": "JPEG", "a.bmp": "BMP", "a.tiff": "TIFF", "a.gif": "GIF", "noext": "PNG"}
    odd = {f"cat/{name}": encoded(picture(number, 9, 9), kind) for number, (name, kind) in enumerate(kinds.items())}
    assert sources.bring_in(PETS, photos_at(tmp_path / "from", PHOTOS | odd), tmp_path / "raw") == []
    assert files(tmp_path / "raw") == PHOTOS | odd


def test_nothing_is_left_out_without_its_reason(tmp_path):
    odd = {"cat/x.heic": b"\0\0\0\x18ftypheic" + bytes(99), "cat/half.png": PHOTOS["cat/a.png"][:60], "cat/.a": b""}
    photos_at(tmp_path / "from", PHOTOS | odd)
    (tmp_path / "from/cat/gone.jpg").symlink_to("nowhere")
    (tmp_path / "from/cat/round").symlink_to("..", target_is_directory=True)
    os.mkfifo(tmp_path / "from/cat/pipe")
    assert reasons(sources.bring_in(PETS, tmp_path / "from", tmp_path / "raw")) == {
        "cat/x.heic": FOREIGN,
        "cat/half.png": DAMAGED,
        "cat/.a": HIDDEN,
        "cat/gone.jpg": BROKEN_LINK,
        "cat/round": "a link to a folder that it is in",
        "cat/pipe": "no file, but a pipe, socket or device",
    }
    assert files(tmp_path / "raw") == PHOTOS


def test_a_linked_folder_and_a_linked_photo_are_followed(tmp_path):
    photos_at(tmp_path / "elsewhere", {"1.png": encoded(picture(2)), "2.png": encoded(picture(3))})
    photos_at(tmp_path / "from", PHOTOS)
    (tmp_path / "from/cat/more").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "from/dog/c.png").symlink_to(tmp_path / "elsewhere/1.png")
    sources.bring_in(PETS, tmp_path / "from", tmp_path / "raw")
    assert {"cat/more/1.png", "cat/more/2.png", "dog/c.png"} < files(tmp_path / "raw").keys()


def test_the_same_file_under_two_names_of_a_class_is_left_out_once(tmp_path):
    origin = photos_at(tmp_path / "from", PHOTOS | {"gatto/a.png": PHOTOS["cat/a.png"]})
    (left_out,) = sources.bring_in(PETS, origin, tmp_path / "raw")
    assert left_out.file == "gatto/a.png"
    assert files(tmp_path / "raw") == PHOTOS


def test_a_folder_and_a_file_of_one_name_do_not_stop_the_others(tmp_path):
    sources.bring_in(PETS, photos_at(tmp_path / "one", PHOTOS), tmp_path / "raw")
    second = photos_at(tmp_path / "two", {"cat/a.png/x.png": encoded(picture(2)), "cat/new.png": encoded(picture(3))})
    (left_out,) = sources.bring_in(PETS, second, tmp_path / "raw")
    assert "a file has the name of its folder" in left_out.reason
    assert files(tmp_path / "raw") == PHOTOS | {"cat/new.png": encoded(picture(3))}


def test_a_name_that_the_disk_does_not_take_is_left_out(tmp_path):
    long = f"cat/{'n' * 300}.png"
    left_out = sources.bring_in(
        PETS, zipped(tmp_path / "a.zip", PHOTOS | {long: encoded(picture(2))}), tmp_path / "raw"
    )
    assert reasons(left_out) == {long: "its name is too long for this disk"}
    assert files(tmp_path / "raw") == PHOTOS


def test_a_name_that_is_no_text_comes_in_with_question_marks(tmp_path):
    photos_at(tmp_path / "from", PHOTOS)
    (tmp_path / "from/cat" / os.fsdecode(b"caf\xe9.png")).write_bytes(encoded(picture(2)))
    assert sources.bring_in(PETS, tmp_path / "from", tmp_path / "raw") == []
    assert "cat/caf?.png" in files(tmp_path / "raw")


def test_a_raw_file_that_dvc_cannot_track_is_named(tmp_path):
    photos_at(tmp_path / "raw", PHOTOS)
    (tmp_path / "raw/cat/gone.jpg").symlink_to("nowhere")
    with pytest.raises(BadInput, match=r"raw/cat/gone\.jpg: a broken link"):
        sources.bring_in(PETS, None, tmp_path / "raw")
    assert ("cat/gone.jpg", "cat", NoPicture(BROKEN_LINK)) in list(sources.pictures(PETS, tmp_path / "raw", ["cat"]))
    (tmp_path / "raw/cat/gone.jpg").rename(tmp_path / "gone")
    (tmp_path / "raw/cat" / os.fsdecode(b"caf\xe9.png")).write_bytes(PHOTOS["cat/a.png"])
    with pytest.raises(BadInput, match=r"raw/cat/caf\\udce9\.png: its name is not in UTF-8"):
        sources.bring_in(PETS, None, tmp_path / "raw")


def test_raw_files_of_no_class_are_named(tmp_path):
    photos_at(tmp_path / "raw", PHOTOS | {"bird/1.png": b"", "notes.txt": b""})
    assert reasons(sources.bring_in(PETS, None, tmp_path / "raw")) == {"bird/1.png": NO_CLASS, "notes.txt": NO_CLASS}


def limited(**limits):
    return PETS.model_copy(update={"source": PETS.source.model_copy(update=limits)})


@pytest.mark.parametrize("pack", [zipped, tarred])
def test_a_small_archive_of_a_huge_file_is_not_unpacked(tmp_path, pack, monkeypatch):
    huge = b"\xff\xd8\xff" + bytes(2_000_000)
    origin = pack(tmp_path / "from.archive", PHOTOS | {"cat/huge.jpg": huge})
    left_out = sources.bring_in(limited(megabytes=1), origin, tmp_path / "raw")
    assert reasons(left_out) == {"cat/huge.jpg": "too large: 2 MB, limit 1"}


@pytest.mark.parametrize("pack", [zipped, tarred])
@pytest.mark.parametrize("limits", [{"archive_files": 1}, {"archive_gigabytes": 0}])
def test_an_archive_of_too_much_is_refused_before_anything_is_copied(tmp_path, pack, limits):
    origin = pack(tmp_path / "from.archive", PHOTOS)
    (limit,) = limits
    with pytest.raises(BadInput, match=f"from.archive: more than .*source.{limit}"):
        sources.bring_in(limited(**limits), origin, tmp_path / "raw")
    assert list(tmp_path.iterdir()) == [origin]


def test_links_devices_and_members_outside_of_a_tar_are_left_out(tmp_path):
    origin = tarred(tmp_path / "from.tar", PHOTOS | {"../cat/up.png": encoded(picture(3))}, "w")
    with tarfile.open(origin, "a") as archive:
        for name, kind in (("cat/link", tarfile.SYMTYPE), ("cat/hard", tarfile.LNKTYPE), ("cat/null", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    left_out = sources.bring_in(PETS, origin, tmp_path / "deep/raw")
    assert {each.file for each in left_out} == {"../cat/up.png", "cat/link", "cat/hard", "cat/null"}
    assert files(tmp_path / "deep") == {f"raw/{file}": content for file, content in PHOTOS.items()}


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
@pytest.mark.parametrize("share", [0.3, 0.6])
def test_a_download_that_breaks_off_is_called_broken(tmp_path, kind, share):
    origin, contents = tmp_path / f"from.{kind}", PHOTOS | {"cat/big.png": encoded(picture(5, 99, 99))}
    zipped(origin, contents) if kind == "zip" else tarred(origin, contents, f"w:{kind[4:]}")
    whole = origin.read_bytes()
    origin.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(BadInput, match=f"{origin.name}: {CUT_OFF}"):
        sources.bring_in(PETS, origin, tmp_path / "raw")
    assert list(tmp_path.iterdir()) == [origin]


def test_a_zip_with_a_password_is_said_to_need_one(tmp_path):
    content = bytearray(zipped(tmp_path / "from.zip", PHOTOS).read_bytes())
    for start, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for place in [at for at in range(len(content)) if content[at : at + 4] == start]:
            content[place + flag] |= 1
    (tmp_path / "from.zip").write_bytes(content)
    with pytest.raises(BadInput, match=r"from\.zip: cat/a\.png in it cannot be unpacked \(.* password required"):
        sources.bring_in(PETS, tmp_path / "from.zip", tmp_path / "raw")


def test_a_tar_that_breaks_off_between_two_files_is_called_broken(tmp_path):
    origin = tarred(tmp_path / "from.tar", PHOTOS, "w")
    origin.write_bytes(origin.read_bytes()[: 512 + 512 * -(-len(PHOTOS["cat/a.png"]) // 512)])
    with pytest.raises(BadInput, match=f"{origin.name}: {CUT_OFF}"):
        sources.bring_in(PETS, origin, tmp_path / "raw")


NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=20).filter(lambda n: n not in (".", ".."))
FOLDERS = st.sampled_from(["", "cat", "gatto", "dog", "cat/siamese", "raw-img/cane", "bird", ".hidden/cat"])
SOME = [*PHOTOS.values(), encoded(picture(2), "GIF"), encoded(picture(3), "TIFF"), PHOTOS["cat/a.png"][:70]]


@settings(max_examples=60)
@given(found=st.dictionaries(st.tuples(FOLDERS, NAMES), st.binary(max_size=40) | st.sampled_from(SOME), max_size=12))
def test_of_any_folder_every_file_is_taken_or_left_out_with_a_reason(found):
    with tempfile.TemporaryDirectory() as folder:
        origin, raw = (
            photos_at(Path(folder, "from"), {f"cat/{n}.png": c for n, c in enumerate(PHOTOS.values())}),
            Path(folder, "raw"),
        )
        photos_at(origin, {"dog/0.png": encoded(picture(4))})
        for (place, name), content in found.items():
            path = origin / place / os.fsdecode(name.encode("utf-8", "surrogatepass"))
            if not path.exists():
                photos_at(origin, {str(path.relative_to(origin)): content})
        there = {str(path.relative_to(origin)) for path in origin.rglob("*") if path.is_file()}
        left_out = sources.bring_in(PETS, origin, raw)
        taken = files(raw)
        assert len(taken) + len(left_out) == len(there)
        assert {each.file for each in left_out} < there
        assert all(each.reason for each in left_out)
        assert set(taken.values()) <= {(origin / file).read_bytes() for file in there}


@settings(max_examples=100)
@given(
    packed=st.sampled_from(["zip", "tar", "tar.gz"]), edits=st.dictionaries(st.integers(0, 3000), st.binary(min_size=1))
)
def test_of_a_damaged_archive_everything_is_said_in_one_line(packed, edits):
    with tempfile.TemporaryDirectory() as folder:
        origin = Path(folder, f"from.{packed}")
        zipped(origin, PHOTOS) if packed == "zip" else tarred(origin, PHOTOS, f"w:{packed[4:]}")
        content = bytearray(origin.read_bytes())
        for place, new in edits.items():
            start = place % len(content)
            content[start : start + len(new)] = new
        origin.write_bytes(content)
        with contextlib.suppress(BadInput):
            sources.bring_in(PETS, origin, Path(folder, "raw"))
