"""Requests name images of a data set, by id or raw file, and one that cannot be met is refused."""

import pandas as pd
import pytest

from sisa.base.errors import BadInput
from sisa.sources.roster import COLUMNS, KEPT, mark
from sisa.unlearning import requests
from sisa.unlearning.requests import Named, Request

A, B, C, D = (letter * 64 for letter in "abcd")
ROSTER = pd.DataFrame(
    [
        ("cat/1.png", A, "cat", KEPT),
        ("dog/1.png", B, "dog", KEPT),
        ("dog/1.png", C, "dog", KEPT),
        ("cat/2.png", D, "cat", KEPT),
    ],
    columns=COLUMNS,
)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "requests.csv"
    requests.append(path, [])
    return path


def ask(file, *images, dataset="pets"):
    requests.append(file, [Request(dataset, image, "2026-01-31", 'owner, "asked"') for image in images])


def test_requests_come_back_as_they_were_added(file):
    assert file.read_text() == "dataset,image,date,reason\n"
    assert requests.read(file) == []
    ask(file, A)
    before = file.read_bytes()
    ask(file, "dog/1.png", dataset="zoo")
    assert file.read_bytes().startswith(before)
    reason = 'owner, "asked"'
    expected = [Request("pets", A, "2026-01-31", reason), Request("zoo", "dog/1.png", "2026-01-31", reason)]
    assert requests.read(file) == expected


def test_a_file_stands_for_every_picture_that_was_listed_under_its_name(file):
    ask(file, "cat/1.png", D, "dog/1.png")
    expected = [
        Named(2, "cat/1.png", A),
        Named(3, D, D),
        Named(4, "dog/1.png", B),
        Named(4, "dog/1.png", C),
    ]
    assert requests.resolve(file, "pets", ["pets", "zoo"], ROSTER) == expected


def test_requests_for_another_data_set_are_ignored(file):
    ask(file, "never/seen.png", dataset="zoo")
    ask(file, A)
    assert requests.resolve(file, "pets", ["pets", "zoo"], ROSTER) == [Named(3, A, A)]


@pytest.mark.parametrize("image", ["e" * 64, "cat/3.png", "1.png"])
def test_an_image_that_the_roster_never_held_is_refused(image, file):
    ask(file, A, image)
    with pytest.raises(
        BadInput, match=rf"requests\.csv, row 3: '{image}' is neither an id nor a raw file on .*pets\.csv"
    ):
        requests.resolve(file, "pets", ["pets", "zoo"], ROSTER)


def test_a_data_set_that_is_not_known_is_refused(file):
    ask(file, A, dataset="pets ")
    with pytest.raises(BadInput, match="row 2: unknown data set 'pets '; write one of pets, zoo"):
        requests.resolve(file, "pets", ["pets", "zoo"], ROSTER)


@pytest.mark.parametrize("reason", ["", "\udcff"])
def test_a_request_that_could_not_be_read_back_is_not_added(reason, file):
    ask(file, A)
    before = file.read_bytes()
    with pytest.raises(BadInput, match="this cannot be requested"):
        requests.append(file, [Request("pets", B, "2026-01-31", reason)])
    assert file.read_bytes() == before


def test_an_image_that_changes_nothing_is_named_with_the_reason(file):
    ask(file, A, B, "cat/1.png", C, D)
    named = requests.resolve(file, "pets", ["pets", "zoo"], ROSTER)
    lines = list(requests.notices(file, named, copies={A, C}, left={A}, held_out={B}))
    assert [line.split(", row ")[1] for line in lines] == [
        f"3, {B}: it is held out in the test set and in no shard; nothing changes",
        "4, cat/1.png: it was requested before; nothing changes",
        f"5, {C}: it is already forgotten with its class; nothing changes",
        f"6, {D}: it is in no shard: not drawn for one, of a class that is not selected, or a hole; nothing changes",
    ]


def test_a_request_for_an_erased_image_is_satisfied(file):
    ask(file, A, B)
    named = requests.resolve(file, "pets", ["pets", "zoo"], mark(ROSTER, [A], "2026-02-01"))
    assert [each.erased for each in named] == [True, False]
    lines = list(requests.notices(file, named, copies={B}, left={B}, held_out=set()))
    assert lines == [f"notice: {file}, row 2, {A}: it was erased for good; nothing changes"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "first line is not dataset,image,date,reason"),
        (b"id,date,reason\n", "first line is not dataset,image,date,reason"),
        (b"dataset,image,date,reason\npets,x,2026-01-31\n", "row 2 is not a data set, an image, a date and a reason"),
        (b"dataset,image,date,reason\npets,x,2026-01-31,\n", "row 2 is not a data set, an image, a date and a reason"),
        (
            b"dataset,image,date,reason\npets,x,31.1.2026,why\n",
            "row 2 has the date '31.1.2026'; write it as 2026-01-31",
        ),
        (b"dataset,image,date,reason\npets,x,2026-01-31,wh", "the last line is cut off"),
        (b"\xff", "codec can't decode"),
    ],
)
def test_what_is_no_list_of_requests_is_refused(content, complaint, tmp_path):
    (tmp_path / "requests.csv").write_bytes(content)
    with pytest.raises(BadInput, match=f"not a list of requests .*{complaint}.*; mend it by hand"):
        requests.read(tmp_path / "requests.csv")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BadInput, match="there is no such file; restore it: git checkout"):
        requests.read(tmp_path / "requests.csv")
