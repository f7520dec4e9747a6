"""Text from outside, such as file names and reasons, on its way to a terminal."""

SHOWN = 10  # names a line


def printable(text: object) -> str:
    """The text in one line that steers no terminal: what cannot be seen, or is no Unicode, stands there as an escape.

    text: anything that `str` takes; a file name may hold bytes that are no text, as surrogates.
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


def number_of(count: int, noun: str) -> str:
    """A count and what is counted, in English: `1 image`, `2,000 images`, `3 residual copies`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {noun if count == 1 else plural}"


def counted(what: str, names: list[str]) -> str:
    """`what: 12: a, b, ... and 2 more`."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{what}: {len(names):,}" + (f": {', '.join(map(printable, names[:SHOWN]))}{more}" if names else "")
