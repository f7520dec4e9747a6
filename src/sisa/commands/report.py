"""results/report.html: all results in one page that fetches nothing, from results/runs, if there are any, else from the
metrics in place.
"""

import argparse
from pathlib import Path

from sisa.base.files import beside
from sisa.base.text import number_of
from sisa.publishing import records, runs
from sisa.publishing.page.render import page

FILE = Path("results/report.html")


def main(options: argparse.Namespace) -> None:
    found = records.read() or [runs.in_place()]
    if found[0].scenario == runs.WORKSPACE:
        print(f"notice: no runs in {records.FOLDER} (make results), so {FILE} shows the workspace alone; ", end="")
        print(f"the published page comes back with: git checkout {FILE}")
        if why := runs.outdated(found[0].params):
            print(f"notice: its figures are of another run: {why}; run dvc repro")
    with beside(FILE) as part:
        part.write_text(page(found), encoding="utf-8")
    shown = ", ".join(dict.fromkeys(run.label if run.scenario == runs.WORKSPACE else run.scenario for run in found))
    print(f"{FILE}: {FILE.stat().st_size / 2**20:.1f} MiB, {number_of(len(found), 'run')}: {shown}")
