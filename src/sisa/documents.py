"""Generated tables in Markdown texts: what stands between two markers is written anew."""

import re
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from sisa.errors import BadInput


def fill_in(text: str, source: str, content: str) -> str:
    """The text with `content` between the markers of the file `source` that it is made from.

    Raises BadInput when there is no such pair of markers.
    """
    begin, end = f"<!-- {source} -->", f"<!-- end of {source} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(text):
        raise BadInput(f"no place for the table of {source}; put these two lines into the text: {begin} and {end}")
    return pattern.sub(lambda _: f"{begin}\n\n{content}\n\n{end}", text)


def table(file: Path) -> str:
    """A CSV file as it is, as a Markdown table."""
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    return tabulate(rows, headers="keys", tablefmt="github", showindex=False, disable_numparse=True, stralign="right")
