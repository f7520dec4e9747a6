"""What others wrote reaches a terminal as text."""

import pytest

from sisa.base.text import counted, in_words, number_of, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("cat/K\u00e4tzchen 1.png", "cat/K\u00e4tzchen 1.png"),
        ("\x1b[2Jgone\r\n\t", r"\x1b[2Jgone\r\n\t"),
        ("\u202egnp.exe", r"\u202egnp.exe"),  # shown from right to left
        ("\udcff.png", r"\udcff.png"),  # a byte that is no text
        (3, "3"),
    ],
)
def test_nothing_that_steers_a_terminal_or_is_no_text_is_printed_as_it_is(text, shown):
    assert printable(text) == shown
    shown.encode()


def test_names_are_counted_and_the_first_of_them_listed_as_text():
    assert counted("left out", []) == "left out: 0"
    assert counted("left out", ["a\x1b[2J.png"]) == r"left out: 1: a\x1b[2J.png"
    assert counted("left out", [f"{number}.png" for number in range(12)]).endswith("9.png and 2 more")


def test_one_is_singular_and_everything_else_plural():
    assert number_of(1, "image") == "1 image"
    assert number_of(0, "image") == "0 images"
    assert number_of(2_000, "erased image") == "2,000 erased images"
    assert number_of(2, "class") == "2 classes"
    assert number_of(20, "play") == "20 plays"
    assert [number_of(count, "residual copy") for count in (1, 2)] == ["1 residual copy", "2 residual copies"]


def test_names_are_listed_in_words():
    assert in_words(["cat"]) == "cat"
    assert in_words(("cat", "dog")) == "cat and dog"
    assert in_words(["cat", "cow", "dog"], "or") == "cat, cow or dog"
