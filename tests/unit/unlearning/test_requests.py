"""Requests name images of a data set, by id or raw file, and one that cannot be met is refused."""

from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        BadInput, match=rf"requests\.csv, line 3: '{image}' is neither an id nor a raw file on .*pets\.csv"
    ):
        requests.resolve(file, "pets", ["pets", "zoo"], ROSTER)


def test_a_data_set_that_is_not_known_is_refused(file):
    ask(file, A, dataset="pets ")
    with pytest.raises(BadInput, match="line 2: unknown data set 'pets '; write one of pets, zoo"):
        requests.resolve(file, "pets", ["pets", "zoo"], ROSTER)


@pytest.mark.parametrize(
    ("reason", "complaint"),
    [
        ("\udcff", "this cannot be requested"),
        ("", "the reason is blank; say why"),
        (" \u3000", "the reason is blank; say why"),
        ("a\x1b[2Jb", r"holds the control character '\\x1b'; write it in one line of plain text"),
        ("two\nlines", r"holds the control character '\\n'"),
        ("\t=1+1", r"holds the control character '\\t'"),
        (
            "=1+1",
            "begins with =, and a spreadsheet that opens the file would run it as a formula; begin it with a letter",
        ),
        (" +1", r"begins with \+"),
        ("-1", "begins with -"),
        ("@SUM(A1)", "begins with @"),
        ("\N{FULLWIDTH EQUALS SIGN}1", "begins with ="),
    ],
)
def test_a_request_with_a_reason_that_is_none_or_does_harm_is_not_added(reason, complaint, file):
    ask(file, A)
    before = file.read_bytes()
    with pytest.raises(BadInput, match=complaint):
        requests.append(file, [Request("pets", B, "2026-01-31", reason)])
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "written", [b"%b\n%b\n", b"\xef\xbb\xbf%b\r\n%b\r\n", b"%b\r\n%b\r\n,,,\r\n\r\n,,,\r\n", b"%b\r%b\r"]
)
def test_a_file_that_a_spreadsheet_wrote_is_read_and_added_to(written, file):
    file.write_bytes(written % (b"dataset,image,date,reason", b'pets,cat/1.png,2026-01-31,"owner, ""asked"""'))
    first = Request("pets", "cat/1.png", "2026-01-31", 'owner, "asked"')
    assert requests.read(file) == [first]
    kept = file.read_bytes().rstrip(b",\r\n")
    ask(file, A)
    assert requests.read(file) == [first, Request("pets", A, "2026-01-31", 'owner, "asked"')]
    assert file.read_bytes().startswith(kept)
    assert file.read_bytes().count(b"\r\n") in (0, 3)  # all lines end alike


def test_a_write_protected_file_is_not_replaced(file):
    file.chmod(0o444)
    with pytest.raises(
        BadInput, match=rf"{file}: write-protected; if it is to be changed, allow it: chmod u\+w {file}"
    ):
        ask(file, A)
    assert requests.read(file) == []


@given(
    st.lists(
        st.tuples(
            *[st.text(st.characters(codec="utf-8"), min_size=1)] * 2,
            st.dates(),
            st.text(st.characters(codec="utf-8"), min_size=1),
        )
    )
)
def test_what_can_be_requested_is_read_back_equal_and_the_rest_is_refused(tmp_path_factory, rows):
    file = tmp_path_factory.mktemp("requests") / "requests.csv"
    requests.append(file, [])
    added = []
    for dataset, image, day, reason in rows:
        request = Request(dataset, image, day.isoformat(), reason)
        with suppress(BadInput):
            requests.append(file, [request])
            added.append(request)
        assert requests.read(file) == added


@given(st.binary() | st.lists(st.sampled_from([*b'dpx,"\r\n=', 0xEF, 0])).map(bytes))
def test_bytes_are_requests_or_are_refused_in_one_line(tmp_path_factory, tail):
    file = tmp_path_factory.mktemp("requests") / "requests.csv"
    file.write_bytes(b"dataset,image,date,reason\npets,x,2026-01-31,why\n" + tail)
    try:
        before = requests.read(file)
    except BadInput:
        return
    added = Request("pets", A, "2026-01-31", "why")
    requests.append(file, [added])
    assert requests.read(file) == [*before, added]


def test_images_that_change_nothing_are_counted_with_the_reason_and_the_first_are_named(file):
    ask(file, A, B, "cat/1.png", C, D, *[A] * 12)
    named = requests.resolve(file, "pets", ["pets", "zoo"], ROSTER)
    lines = list(requests.notices(file, named, copies={A, C}, left={A}, held_out={B}))
    repeated = ", ".join(f"line {line}, {A}" for line in range(7, 16))
    assert [line.removeprefix(f"notice: {file}: changes nothing, ") for line in lines] == [
        f"held out in the test set and in no shard: 1: line 3, {B}",
        f"requested before: 13: line 4, cat/1.png, {repeated} and 3 more",
        f"already forgotten: 1: line 5, {C}",
        f"in no shard: not drawn for one, of a class that is not selected, or a hole: 1: line 6, {D}",
    ]


def test_a_line_is_numbered_as_an_editor_shows_it(file):
    """A file name or a reason in quotes may go on for several lines."""
    start = 'dataset,image,date,reason\r\npets,cat/1.png,2026-01-31,"one\r\ntwo"\r\n'
    file.write_bytes(f"{start}pets,cat/1.png,2026-01-31,why\r\n".encode())
    assert [each.line for each in requests.resolve(file, "pets", ["pets"], ROSTER)] == [2, 4]
    for row, complaint in {
        "pets,cat/9.png,2026-01-31,why": ", line 4: ",
        "pets,x": "line 4 is not",
        "": "line 4 is not",
    }.items():
        file.write_bytes(f"{start}{row}\r\npets,cat/1.png,2026-01-31,why\r\n".encode())
        with pytest.raises(BadInput, match=complaint):
            requests.resolve(file, "pets", ["pets"], ROSTER)


def test_a_request_for_an_erased_image_is_satisfied(file):
    ask(file, A, B)
    named = requests.resolve(file, "pets", ["pets", "zoo"], mark(ROSTER, [A], "2026-02-01"))
    assert [each.erased for each in named] == [True, False]
    lines = list(requests.notices(file, named, copies={B}, left={B}, held_out=set()))
    assert lines == [f"notice: {file}: changes nothing, erased for good: 1: line 2, {A}"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "first line is not dataset,image,date,reason"),
        (b"id,date,reason\n", "first line is not dataset,image,date,reason"),
        (b"dataset,image,date,reason\npets,x,2026-01-31\n", "line 2 is not a data set, an image, a date and a reason"),
        (b"dataset,image,date,reason\npets,x,2026-01-31,\n", "line 2 is not a data set, an image, a date and a reason"),
        (
            b"dataset,image,date,reason\npets,x,31.1.2026,why\n",
            "line 2 has the date '31.1.2026'; write it as 2026-01-31",
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


def test_a_committed_row_that_could_never_be_met_is_no_request():
    fit, other = ("pets", "cat/1.png", "2026-01-31", "why"), ("zoo", "x.png", "2026-01-31", "why")
    unfit = [("pets", "cat/9.png", *fit[2:]), ("pets", "cat/1.png", "31.1.2026", "why"), fit[:3], ("", *fit[1:])]
    assert requests.made([fit, other, *unfit], "pets", ROSTER) == {Request(*fit), Request(*other)}
