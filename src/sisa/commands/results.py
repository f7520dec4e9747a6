"""The metrics on the scenario/* branches as results/DATASET.csv, and the tables and pictures made from these files.

The folders of results/ hold what was evaluated beside accuracy, one row a run; areas and changes what attacks found
over the training seeds of a scenario, with intervals. Scenarios that were run with several numbers of leaked images
make results/response/SCENARIO.csv. A data set without branches keeps its files; the tables of README.md and docs/ and
the pictures are made again anyway.
"""

import argparse
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from sisa.attacks import areas
from sisa.base.files import beside
from sisa.publishing import markdown, picture, response, response_picture, results, tables
from sisa.scenarios import branches
from sisa.scenarios.grid import Branch

FOLDER = Path("results")
RECOGNITION, RESPONSE, AREAS, CHANGES = (FOLDER / name for name in ("recognition", "response", "areas", "changes"))
READERS = {
    FOLDER: results.pivot,
    RESPONSE: response.readable,
    AREAS: tables.areas_readable,
    CHANGES: tables.changes_readable,
    **{FOLDER / name: kind.readable for name, kind in tables.KINDS.items() if kind.readable},
}


def main() -> None:
    argparse.ArgumentParser(prog="python src results", description=__doc__).parse_args()
    found = [branch for branch in branches.known().values() if branch.ours]
    for dataset in sorted({branch.scenario.dataset for branch in found}):
        collect(dataset, branches.comparable([branch for branch in found if branch.scenario.dataset == dataset]))
    for folder, module in {RECOGNITION: picture, RESPONSE: response_picture}.items():
        for file in sorted(folder.glob("*.csv")):
            with beside(file.with_suffix(".png")) as part:
                module.draw(read_table(file)).savefig(part, format="png", dpi=110, metadata={"Software": None})
    for document in markdown.all_of_them():
        text = markdown.refreshed(document.read_text(), table_of)
        with beside(document) as part:
            part.write_text(text)


def collect(dataset: str, found: list[Branch]) -> None:
    """Write the files of a data set from its branches."""
    of_level = [branch for branch in found if branch.scenario.leaked is None]
    tables = {FOLDER / f"{dataset}.csv": branches.table(of_level, results.METRICS, results.rows)}
    for name, kind in tables.KINDS.items():
        tables[FOLDER / name / f"{dataset}.csv"] = branches.table(of_level, kind.metrics, kind.rows)
    tables[AREAS / f"{dataset}.csv"] = branches.over_runs(of_level, areas.areas)
    tables[CHANGES / f"{dataset}.csv"] = branches.over_runs(of_level, areas.changes)
    responses = branches.table(found, response.METRICS, response.rows)
    tables |= {RESPONSE / f"{name}.csv": study for name, study in response.studies(responses).items()}
    for file, table in tables.items():
        if len(table):
            with beside(file) as part:
                table.to_csv(part, index=False)


def table_of(source: str) -> str:
    """The Markdown table of a CSV file: the results as people read them, any other file as it is."""
    file = Path(source)
    if file.parent not in READERS:
        return markdown.table(file)
    table = READERS[file.parent](read_table(file).drop(columns="dataset"))
    return tabulate(table, headers="keys", tablefmt="github", showindex=False, disable_numparse=True)


def read_table(file: Path) -> pd.DataFrame:
    """A file of ours: an empty number is NaN, an empty aggregation a baseline's."""
    table = pd.read_csv(file, keep_default_na=False, na_values=[""])
    return table.fillna({"aggregation": ""}) if "aggregation" in table else table


if __name__ == "__main__":
    main()
