"""`make results`: the metrics of named scenarios as results/DATASET.csv, and the tables and pictures made from them.

Without names, only the tables of README.md and the pictures are made again from the files in results/.
"""

import argparse
import json
from pathlib import Path

import dvc.api
import pandas as pd
from dvc.exceptions import DvcException
from tabulate import tabulate

from sisa import picture, results
from sisa.documents import fill_in
from sisa.errors import BadInput
from sisa.files import beside

FOLDER = Path("results")
README = Path("README.md")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python src results", description=__doc__)
    parser.add_argument("scenarios", nargs="*", help="experiments or other revisions named DATASET-CLASSES-LEAKAGE")
    named = parser.parse_args().scenarios
    tables = {name: collect(name) for name in named}
    for dataset in sorted({table["dataset"][0] for table in tables.values()}):
        parts = [table for table in tables.values() if table["dataset"][0] == dataset]
        with beside(FOLDER / f"{dataset}.csv") as part:
            pd.concat(parts, ignore_index=True).to_csv(part, index=False)
    readme = README.read_text()
    for file in sorted(FOLDER.glob("*.csv")):
        table = read_table(file)
        readme = fill_in(readme, str(file), markdown(table))
        with beside(FOLDER / f"{file.stem}.png") as part:
            picture.draw(table).savefig(part, format="png", dpi=110, metadata={"Software": None})
    with beside(README) as part:
        part.write_text(readme)


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
