"""Text of others, such as file names, as it may be printed."""


def printable(text: str) -> str:
    """The text with escapes for all that does not print: a name on disk may be any bytes, a terminal's commands too."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
