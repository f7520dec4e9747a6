"""`make results`: the metrics of named scenarios as results/DATASET.csv, and the tables and pictures made from them.

Without names, only the tables of README.md and docs/ and the pictures are made again, from the CSV files beside them.
"""

import argparse
import json
from pathlib import Path

import dvc.api
import pandas as pd
from dvc.exceptions import DvcException
from tabulate import tabulate

from sisa import documents, picture, results
from sisa.common.errors import BadInput
from sisa.common.files import beside

FOLDER = Path("results")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python src results", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="experiments or other revisions named DATASET-CLASSES-LEAKAGE")
    named = parser.parse_args().scenarios
    tables = {name: collect(name) for name in named}
    for dataset in sorted({table["dataset"][0] for table in tables.values()}):
        parts = [table for table in tables.values() if table["dataset"][0] == dataset]
        with beside(FOLDER / f"{dataset}.csv") as part:
            pd.concat(parts, ignore_index=True).to_csv(part, index=False)
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


def collect(scenario: str) -> pd.DataFrame:
    """The rows of one scenario, from the metrics in its revision. Raises BadInput when there are none."""
    dataset, classes, leakage = scenario.rsplit("-", 2)
    try:
        metrics = {name: json.loads(dvc.api.read(f"metrics/{name}.json", rev=scenario)) for name in results.METRICS}
    except (DvcException, OSError) as error:
        raise BadInput(
            f"{scenario}: no metrics there ({error}); run it: dvc exp run --name {scenario} -S ..."
        ) from error
    table = results.rows(metrics)
    keys = pd.DataFrame({"dataset": dataset, "classes": int(classes), "leakage": leakage}, index=table.index)
    return pd.concat([keys, table], axis=1)


def read_table(file: Path) -> pd.DataFrame:
    """A result file as `results.rows` made it: an empty share is NaN, an empty aggregation a baseline's."""
    return pd.read_csv(file, keep_default_na=False, na_values={share: [""] for share in results.SHARES})


def markdown(table: pd.DataFrame) -> str:
    return tabulate(results.pivot(table.drop(columns="dataset")), headers="keys", tablefmt="github", showindex=False)


if __name__ == "__main__":
    main()
