"""Text from outside, such as file names and reasons, on its way to a terminal."""

SHOWN = 10  # names a line


def printable(text: object) -> str:
    """The text in one line that steers no terminal: what cannot be seen, or is no Unicode, stands there as an escape.

    text: anything that `str` takes; a file name may hold bytes that are no text, as surrogates.
    """
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in str(text))


def counted(what: str, names: list[str]) -> str:
    """`what: 12: a, b, ... and 2 more`."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return f"{what}: {len(names):,}" + (f": {', '.join(map(printable, names[:SHOWN]))}{more}" if names else "")
