"""Generated tables in Markdown texts: what stands between the two markers of a CSV file is made from it."""

import re
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from sisa.publishing.readable import READABLE
from sisa.publishing.tables import read

MARKED = re.compile(r"<!-- (?P<source>\S+\.csv) -->\n.*?<!-- end of (?P=source) -->", re.DOTALL)


def documents() -> list[Path]:
    """The texts that may have generated tables."""
    return [Path("README.md"), *sorted(Path("docs").glob("*.md"))]


def sources(text: str) -> list[str]:
    """The files whose tables a text shows."""
    return [match["source"] for match in MARKED.finditer(text)]


def refreshed(text: str) -> str:
    """The text with the present table of each file between its markers."""
    form = "<!-- {0} -->\n\n{1}\n\n<!-- end of {0} -->".format
    return MARKED.sub(lambda match: form(match["source"], table(Path(match["source"]))), text)


def table(file: Path) -> str:
    """A CSV file as a Markdown table: one of results/ as people read it, any other as it is."""
    if readable := READABLE.get(file.parent.name):
        text, alignment = readable(read(file).drop(columns="dataset")), "left"
    else:
        text, alignment = pd.read_csv(file, dtype=str, keep_default_na=False), "right"
    return tabulate(text, headers="keys", tablefmt="github", showindex=False, disable_numparse=True, stralign=alignment)
