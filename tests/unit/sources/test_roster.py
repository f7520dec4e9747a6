"""The roster only grows, and holds each picture once."""

import hashlib
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.data.images import NoPicture
from sisa.sources import roster
from sisa.sources.report import DUPLICATE, ERASED, TWO_CLASSES, LeftOut

BROKEN = NoPicture("cannot be decoded")


def digest(picture):
    return hashlib.sha256(str(picture).encode()).hexdigest()


def found(*files):
    """(file, picture) pairs, the class being the file's folder and None an undecodable picture."""
    return [(file, file.split("/")[0], BROKEN if picture is None else digest(picture)) for file, picture in files]


def left_out(report, reason):
    return [str(each) for each in report.left_out if each.reason == reason]


def rows(listed):
    return set(zip(listed["file"], listed["id"], listed["class"], strict=True))


def test_new_rows_are_sorted_by_id_and_not_by_name():
    listed, report = roster.append(roster.blank(), found(*((f"cat/{n:02}.jpg", n) for n in range(50))))
    assert list(listed["id"]) == sorted(listed["id"])
    assert list(listed["file"]) != sorted(listed["file"])
    assert len(report.added) == len(listed) == 50


def test_of_pixel_equal_files_in_a_class_the_first_is_kept():
    listed, report = roster.append(roster.blank(), found(("cat/a.jpg", 1), ("cat/b.jpg", 1), ("cat/c.jpg", 1)))
    assert rows(listed) == {("cat/a.jpg", digest(1), "cat")}
    assert left_out(report, DUPLICATE) == ["cat/b.jpg (as cat/a.jpg)", "cat/c.jpg (as cat/a.jpg)"]


def test_a_picture_on_the_roster_wins_over_an_earlier_name():
    listed, _ = roster.append(roster.blank(), found(("cat/b.jpg", 1)))
    again, report = roster.append(listed, found(("cat/a.jpg", 1), ("cat/b.jpg", 1)))
    assert rows(again) == rows(listed)
    assert left_out(report, DUPLICATE) == ["cat/a.jpg (as cat/b.jpg)"]


def test_a_picture_under_two_classes_is_kept_under_neither():
    listed, report = roster.append(roster.blank(), found(("cat/a.jpg", 1), ("cat/b.jpg", 2), ("dog/c.jpg", 1)))
    assert rows(listed) == {("cat/b.jpg", digest(2), "cat")}
    assert left_out(report, TWO_CLASSES) == ["cat/a.jpg (also dog)", "dog/c.jpg (also cat)"]


def test_a_picture_on_the_roster_stays_when_it_turns_up_under_another_class():
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1)))
    again, report = roster.append(listed, found(("cat/a.jpg", 1), ("dog/c.jpg", 1)))
    assert rows(again) == rows(listed)
    assert report.present == ["cat/a.jpg"]
    assert left_out(report, TWO_CLASSES) == ["dog/c.jpg (also cat)"]


def test_undecodable_files_are_left_out_and_named():
    listed, report = roster.append(roster.blank(), found(("cat/a.jpg", None), ("dog/a.jpg", None), ("cat/b.jpg", 1)))
    assert len(listed) == 1
    assert report.left_out == [LeftOut("cat/a.jpg", BROKEN.reason), LeftOut("dog/a.jpg", BROKEN.reason)]


def test_a_photo_changed_in_place_is_another_image():
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1)))
    again, _ = roster.append(listed, found(("cat/a.jpg", 2)))
    assert list(again["id"]) == [digest(1), digest(2)]


def test_a_deleted_photo_stays_on_the_roster():
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1), ("cat/b.jpg", 2)))
    again, _ = roster.append(listed, found(("cat/b.jpg", 2)))
    assert again.equals(listed)


def test_the_report_names_ten_files_and_counts_the_rest():
    _, report = roster.append(roster.blank(), found(*((f"cat/{n}.jpg", None) for n in range(12))))
    text = "\n".join(report.lines())
    assert "cannot be decoded: 12: cat/0.jpg, cat/1.jpg" in text
    assert text.count(".jpg") == 10
    assert "and 2 more" in text


FILES = st.tuples(st.sampled_from(["cat", "dog"]), st.text(min_size=1).map(lambda text: text.replace("\x00", "0")))
BATCHES = st.lists(st.dictionaries(FILES, st.none() | st.integers(0, 9)), min_size=1, max_size=3)


@given(batches=BATCHES)
def test_appending_keeps_every_byte_of_the_file_and_each_picture_once(tmp_path_factory, batches):
    path = tmp_path_factory.mktemp("roster") / "pets.csv"
    listed = roster.blank()
    roster.write(path, listed)
    for batch in batches:
        before = path.read_bytes()
        files = sorted((f"{name}/{file}", picture) for (name, file), picture in batch.items())
        listed, report = roster.append(listed, found(*files))
        roster.write(path, listed)
        assert path.read_bytes().startswith(before)
        assert roster.read(path).equals(listed)
        assert not listed[["file", "id"]].duplicated().any()
        assert (listed.groupby("id")["class"].nunique() == 1).all()
        fates = [report.added, report.present, report.renamed, report.left_out]
        assert sum(map(len, fates)) == len(files)


ROW = f"cat/a.jpg,{digest(1)},cat\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "id,class\n",
        "file,id,class\n" + ROW[:-1],
        "file,id,class\n" + ROW[:30],
        "file,id,class\ncat/a.jpg,123,cat\n",
        "file,id,class\n" + ROW + ROW,
        'file,id,class\n"cat/a.jpg,' + digest(1),
        "file,id,class\n" + ROW.replace(",cat", ",erased 2026-02-01"),
        "file,id,class\n" + ROW + ROW.replace(",cat", ",erased yesterday"),
        "file,id,class,erased\n" + ROW,
        "file,id,class,erased\n" + ROW[:-1] + ",yes\n",
        "file,id,class,erased\n" + ROW[:-1] + ",\n",
        "\x00\xff",
    ],
)
def test_a_foreign_or_truncated_roster_is_refused_with_the_way_out(tmp_path, text):
    path = tmp_path / "pets.csv"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match="make data DATASET=pets"):
        roster.read(path)


def test_a_missing_roster_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"pets\.csv: .*there is no such file.*make data DATASET=pets"):
        roster.read(tmp_path / "pets.csv")


def test_an_erased_picture_stays_on_the_roster_with_the_date_and_changes_no_line_that_was_there(tmp_path):
    path = tmp_path / "pets.csv"
    listed, _ = roster.append(roster.blank(), found(*((f"cat/{number}.jpg", number) for number in range(9))))
    roster.write(path, listed)
    before = path.read_text()
    listed = roster.mark(listed, [digest(1)], "2026-02-01")
    listed = roster.mark(listed, [digest(1), digest(2)], "2026-02-02")
    roster.write(path, listed)
    added = path.read_text().removeprefix(before).splitlines()
    assert sorted(added) == [f"cat/{n}.jpg,{digest(n)},erased 2026-02-0{n}" for n in (1, 2)]
    assert roster.read(path).equals(listed)
    assert roster.erased_ids(listed) == {digest(1), digest(2)}

    listed, _ = roster.append(listed, found(("dog/a.jpg", 10)))
    roster.write(path, roster.mark(listed, [digest(10)], "2026-02-03"))
    assert roster.read(path).equals(roster.mark(listed, [digest(10)], "2026-02-03"))
    assert path.read_text().startswith(before)


def test_a_roster_with_a_column_of_dates_as_written_before_is_read_and_written_anew_once(tmp_path):
    path = tmp_path / "pets.csv"
    rows = f"cat/a.jpg,{digest(1)},cat,2026-02-01\ncat/b.jpg,{digest(2)},cat,-\n"
    path.write_text(f"file,id,class,erased\n{rows}")
    listed = roster.read(path)
    assert listed["erased"].tolist() == ["2026-02-01", "-"]
    roster.write(path, roster.mark(listed, [digest(2)], "2026-03-01"))
    assert path.read_text().splitlines() == [
        "file,id,class",
        f"cat/a.jpg,{digest(1)},cat",
        f"cat/b.jpg,{digest(2)},cat",
        f"cat/a.jpg,{digest(1)},erased 2026-02-01",
        f"cat/b.jpg,{digest(2)},erased 2026-03-01",
    ]


def test_a_copy_of_an_erased_picture_is_left_out_and_its_file_may_show_another_one(tmp_path):
    path = tmp_path / "pets.csv"
    roster.write(
        path, roster.mark(roster.append(roster.blank(), found(("cat/a.jpg", 1)))[0], [digest(1)], "2026-02-01")
    )
    before = path.read_text()
    listed, report = roster.append(roster.read(path), found(("cat/a.jpg", 3), ("cat/copy.jpg", 1)))
    roster.write(path, listed)
    assert (report.added, left_out(report, ERASED)) == (["cat/a.jpg"], ["cat/copy.jpg"])
    assert path.read_text() == f"{before}cat/a.jpg,{digest(3)},cat\n"
    assert roster.read(path).equals(listed)


def listed_pets():
    """A dog's file that was changed in place, and a cat."""
    rows = [("cat/1.png", digest(1), "cat"), ("dog/1.png", digest(2), "dog"), ("dog/1.png", digest(3), "dog")]
    return pd.DataFrame([(*row, roster.KEPT) for row in rows], columns=roster.COLUMNS)


def test_an_image_is_named_by_its_id_its_raw_file_or_any_path_of_that(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert roster.resolve([digest(3), "cat/1.png"], listed_pets(), "pets") == [
        (digest(3), [digest(3)]),
        ("cat/1.png", [digest(1)]),
    ]
    top = "data/raw/pets"
    for folder in (top, f"./{top}", f"data/../{top}/cat/..", str(tmp_path / top), str(tmp_path / "link" / top)):
        dog = ("dog/1.png", [digest(2), digest(3)])
        assert roster.resolve([f"{folder}/dog/1.png"], listed_pets(), "pets") == [dog]


@pytest.mark.parametrize("written", [b"\xef\xbb\xbf%b\r\n%b\r\n", b"%b\r\n%b\r\n,,\r\n\r\n"])
def test_a_roster_that_a_spreadsheet_wrote_is_read_and_added_to(written, tmp_path):
    path, row = tmp_path / "pets.csv", f"cat/a.jpg,{digest(1)},cat".encode()
    path.write_bytes(written % (b"file,id,class", row))
    listed, _ = roster.append(roster.read(path), found(("cat/b.jpg", 2)))
    roster.write(path, listed)
    assert roster.read(path)["file"].tolist() == ["cat/a.jpg", "cat/b.jpg"]
    assert path.read_bytes().endswith(row + f"\r\ncat/b.jpg,{digest(2)},cat\r\n".encode())


@pytest.mark.parametrize(
    "name",
    ["cat/2.png", "0" * 64, "data/raw/zoo/cat/1.png", "data/raw/pets", "data/raw/pets/cat/2.png", "/cat/1.png", "\0"],
)
def test_a_name_that_the_roster_never_held_is_refused(name):
    with pytest.raises(
        BadInput, match=f"{re.escape(repr(name))} is neither an id nor a raw file on data/rosters/pets.csv"
    ):
        roster.resolve(["cat/1.png", name], listed_pets(), "pets")


def test_a_class_stands_for_all_its_images_and_an_unknown_one_is_refused():
    assert roster.of_class("dog", listed_pets(), "pets") == [digest(2), digest(3)]
    with pytest.raises(BadInput, match=r"class 'cow' is not on data/rosters/pets\.csv"):
        roster.of_class("cow", listed_pets(), "pets")


def test_a_renamed_file_of_known_pixels_is_that_image_under_its_new_name():
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1), ("cat/b.jpg", 2)))
    again, report = roster.append(listed, found(("cat/IMG_1.jpg", 1), ("cat/b.jpg", 2)))
    assert report.renamed == ["cat/IMG_1.jpg (was cat/a.jpg)"]
    assert report.left_out == report.added == []
    assert again[: len(listed)].equals(listed)
    assert list(roster.images(again)["id"]) == list(listed["id"])
    named = roster.resolve(["cat/a.jpg", "cat/IMG_1.jpg"], again, "pets")
    assert [ids for _, ids in named] == [[digest(1)], [digest(1)]]


def test_a_file_renamed_and_renamed_back_has_two_names():
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1)))
    renamed, _ = roster.append(listed, found(("cat/b.jpg", 1)))
    again, report = roster.append(renamed, found(("cat/a.jpg", 1)))
    assert again.equals(renamed)
    assert report.present == ["cat/a.jpg"]
    _, report = roster.append(renamed, found(("cat/a.jpg", 1), ("cat/b.jpg", 1)))
    assert left_out(report, DUPLICATE) == ["cat/b.jpg (as cat/a.jpg)"]


def test_two_files_that_took_each_others_names_are_the_images_that_they_were():
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1), ("cat/b.jpg", 2)))
    again, report = roster.append(listed, found(("cat/a.jpg", 2), ("cat/b.jpg", 1)))
    assert len(report.renamed) == 2
    assert len(roster.images(again)) == 2


def test_a_duplicate_is_never_said_to_be_one_of_a_file_that_is_gone():
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1)))
    _, report = roster.append(listed, found(("cat/b.jpg", 1), ("cat/c.jpg", 1)))
    assert report.renamed == ["cat/b.jpg (was cat/a.jpg)"]
    assert left_out(report, DUPLICATE) == ["cat/c.jpg (as cat/b.jpg)"]


def test_an_image_with_two_names_is_erased_under_both_and_counted_once(tmp_path):
    listed, _ = roster.append(roster.blank(), found(("cat/a.jpg", 1)))
    listed, _ = roster.append(listed, found(("cat/b.jpg", 1)))
    assert roster.of_class("cat", listed, "pets") == [digest(1)]
    listed = roster.mark(listed, [digest(1)], "2026-02-01")
    roster.write(tmp_path / "pets.csv", listed)
    assert roster.read(tmp_path / "pets.csv").equals(listed)
    assert list(listed["erased"]) == ["2026-02-01"] * 2


@pytest.mark.parametrize("second", [f"cat/a.jpg,{digest(1)},cat", f"dog/a.jpg,{digest(1)},dog"])
def test_a_picture_with_one_name_twice_or_with_two_classes_is_refused(tmp_path, second):
    (tmp_path / "pets.csv").write_text(f"file,id,class\n{ROW}{second}\n")
    with pytest.raises(BadInput, match="appears more than once under a name, or with two classes"):
        roster.read(tmp_path / "pets.csv")


def test_of_many_files_that_are_left_out_every_folder_shows():
    files = [(f"cat/{folder}/{n:02}.jpg", None) for folder in "abc" for n in range(20)]
    _, report = roster.append(roster.blank(), found(*files))
    assert "cannot be decoded: 60: cat/a/00.jpg, cat/b/00.jpg, cat/c/00.jpg, cat/a/01.jpg" in "\n".join(report.lines())


def test_names_are_printed_without_what_commands_a_terminal():
    _, report = roster.append(roster.blank(), found(("cat/\x1b[31m\n.jpg", None)))
    assert r"cat/\x1b[31m\n.jpg" in "\n".join(report.lines())
    assert report.table()[1] == (r"cat/\x1b[31m\n.jpg", "cannot be decoded", "")


def test_a_name_that_another_roster_has_is_told_with_the_data_set_to_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "conf/dataset").mkdir(parents=True)
    for name, file in {"pets": "cat/1.png", "zoo": "bear/1.png", "damaged": None}.items():
        (tmp_path / f"conf/dataset/{name}.yaml").touch()
        if file:
            roster.write(paths.roster(name), roster.append(roster.blank(), found((file, name)))[0])
    paths.roster("damaged").write_text("no roster")
    listed = roster.read(paths.roster("pets"))
    expected = "is not on data/rosters/pets.csv, but on data/rosters/zoo.csv; name that data set (--dataset zoo), or "
    for name in ("bear/1.png", "data/raw/zoo/bear/1.png", digest("zoo")):
        with pytest.raises(BadInput, match=re.escape(expected)):
            roster.resolve([name], listed, "pets")
    with pytest.raises(BadInput, match=r"neither an id nor a raw file on data/rosters/pets\.csv"):
        roster.resolve(["bear/2.png"], listed, "pets")
