"""What others wrote reaches a terminal as text."""

import pytest

from sisa.base.text import printable


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
