"""The runs on the scenario/* branches as results/runs/SCENARIO.zip, and all tables and pictures made from these files.

results/DATASET.csv has accuracies, one row a run, state and aggregation. The folders of results/ hold what was
evaluated beside them, one row a run; areas, rates and changes what attacks found over the runs of a scenario, with
intervals. Scenarios that were run with several numbers of leaked images make results/response/SCENARIO.csv, those
with several kinds of leakage results/kinds/SCENARIO.csv. Without branches, the runs are those that were kept before.
"""

import argparse
from itertools import groupby
from pathlib import Path

from sisa.base.files import DECIMALS, beside
from sisa.publishing import figures, markdown_tables, records, tables

FOLDER = Path("results")
DRAWN = {"recognition": figures.recognition, "response": figures.response}


def main(options: argparse.Namespace) -> None:
    records.collect()
    for _, found in groupby(records.read(), lambda run: run.dataset):
        for file, table in tables.of_runs(list(found)).items():
            if len(table):
                with beside(FOLDER / file) as part:
                    table.round(DECIMALS).to_csv(part, index=False)  # later digits differ between processors
    for known in sorted((FOLDER / "areas").glob("*.csv")):  # of those that were attacked
        both = (tables.read(FOLDER / name / known.name) for name in ("recognition", "areas"))
        figures.save(figures.answer(*both), FOLDER / "answer" / f"{known.stem}.png")
    for name, draw in DRAWN.items():
        for file in sorted((FOLDER / name).glob("*.csv")):
            figures.save(draw(tables.read(file)), file.with_suffix(".png"))
    for document in markdown_tables.documents():
        text = markdown_tables.refreshed(document.read_text())
        with beside(document) as part:
            part.write_text(text)
