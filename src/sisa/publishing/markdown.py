"""Generated tables in Markdown texts: what stands between the two markers of a CSV file is made from it."""

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from tabulate import tabulate

MARKED = re.compile(r"<!-- (?P<source>\S+\.csv) -->\n.*?<!-- end of (?P=source) -->", re.DOTALL)


def all_of_them() -> list[Path]:
    return [Path("README.md"), *sorted(Path("docs").glob("*.md"))]


def sources(text: str) -> list[str]:
    """The files whose tables a text shows."""
    return [match["source"] for match in MARKED.finditer(text)]


def refreshed(text: str, table_of: Callable[[str], str]) -> str:
    """The text with the present table of each file between its markers."""
    return MARKED.sub(
        lambda m: f"<!-- {m['source']} -->\n\n{table_of(m['source'])}\n\n<!-- end of {m['source']} -->", text
    )


def table(file: Path) -> str:
    """A CSV file as it is, as a Markdown table."""
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    return tabulate(rows, headers="keys", tablefmt="github", showindex=False, disable_numparse=True, stralign="right")
