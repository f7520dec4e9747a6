"""Names of files may be any bytes; what is printed of them is text."""

import os

import pytest

from sisa.base.printing import printable


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Katze über 猫.jpg", "Katze über 猫.jpg"),
        ("\x1b[2J\r\n\x07.jpg", r"\x1b[2J\r\n\x07.jpg"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\udce9.jpg"),
    ],
)
def test_what_does_not_print_is_escaped(name, printed):
    assert printable(name) == printed
    assert printable(name).encode()
