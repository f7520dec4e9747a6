"""The metrics on the scenario/* branches as results/DATASET.csv, and the tables and pictures made from these files.

A data set without branches keeps its file; the tables of README.md and docs/ and the pictures are made again anyway.
"""

import argparse
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from sisa import branches, documents, picture, results
from sisa.common.files import beside

FOLDER = Path("results")


def main() -> None:
    argparse.ArgumentParser(prog="python src results", description=__doc__).parse_args()
    collect()
    for file in sorted(FOLDER.glob("*.csv")):
        with beside(FOLDER / f"{file.stem}.png") as part:
            picture.draw(read_table(file)).savefig(part, format="png", dpi=110, metadata={"Software": None})
    for document in documents.all_of_them():
        text = documents.refreshed(document.read_text(), table_of)
        with beside(document) as part:
            part.write_text(text)


def table_of(source: str) -> str:
    """The Markdown table of a CSV file: the results as people read them, any other file as it is."""
    file = Path(source)
    return markdown(read_table(file)) if file.parent == FOLDER else documents.table(file)


def collect() -> None:
    """Write the file of each data set that has branches. Raises BadInput where these are not comparable."""
    found = [branch for branch in branches.known().values() if branch.ours]
    for dataset in sorted({branch.scenario.dataset for branch in found}):
        table = branches.table([branch for branch in found if branch.scenario.dataset == dataset])
        with beside(FOLDER / f"{dataset}.csv") as part:
            table.to_csv(part, index=False)


def read_table(file: Path) -> pd.DataFrame:
    """A result file as `results.rows` made it: an empty share is NaN, an empty aggregation a baseline's."""
    return pd.read_csv(file, keep_default_na=False, na_values={share: [""] for share in results.SHARES})


def markdown(table: pd.DataFrame) -> str:
    return tabulate(results.pivot(table.drop(columns="dataset")), headers="keys", tablefmt="github", showindex=False)


if __name__ == "__main__":
    main()
