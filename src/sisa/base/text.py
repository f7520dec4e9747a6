"""Text from outside: names and reasons on their way to a terminal, and numbers from a command line."""

import re
from argparse import ArgumentTypeError
from collections.abc import Sequence

SHOWN = 10  # names a line


def printable(text: object) -> str:
    """The text in one line that steers no terminal: what cannot be seen, or is no Unicode, stands there as an escape.

    text: anything that `str` takes; a file name may hold bytes that are no text, as surrogates.
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


def number_of(count: int, noun: str) -> str:
    """A count and what is counted, in English: `1 image`, `2,000 images`, `3 residual copies`."""
    return f"{count:,} {for_number(count, noun)}"


def for_number(count: int, noun: str) -> str:
    """`class` for 1, and `classes` for any other count."""
    plural = f"{noun[:-1]}ies" if re.search("[^aeiou]y$", noun) else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return noun if count == 1 else plural


def in_words(names: Sequence[str], last: str = "and") -> str:
    """`cat`, `cat and dog`, `cat, cow and dog`; `last` stands before the last of several."""
    *most, name = names
    return f"{', '.join(most)} {last} {name}" if most else name


def counted(what: str, names: list[str]) -> str:
    """`what: 12: a, b, ... and 2 more`."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{what}: {len(names):,}" + (f": {', '.join(map(printable, names[:SHOWN]))}{more}" if names else "")


def whole(text: str, least: int = 0) -> int:
    """The number that an option is given. Raises ArgumentTypeError where it is no whole number from `least` on."""
    if not text.isdecimal() or int(text) < least:
        raise ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
    return int(text)
