"""Check params.yaml, the roster and the requests, before the first stage that has something to lose.

DVC deletes a stage's outputs before it runs, and skips one whose own parameters have not changed: without this, a wrong
value would be noticed late, and an unknown key not at all. The output is always the same, so that nothing follows.
"""

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.files import beside
from sisa.base.params import load
from sisa.evaluation.aggregation import rule
from sisa.sharding.deal import draw_classes
from sisa.sources import make_data, roster
from sisa.unlearning import requests


def main() -> None:
    params = load()
    dataset = params.dataset.name
    if dataset not in paths.datasets():
        raise BadInput(f"dataset.name is {dataset}; choose one of {', '.join(paths.datasets())}")
    rule(params.aggregation)
    folder = paths.raw(dataset)
    if not folder.is_dir():
        raise BadInput(f"{folder}: no raw images; bring them in: {make_data(params.dataset)}")
    listed = roster.read(paths.roster(dataset))
    draw_classes(listed, params)
    requests.resolve(paths.REQUESTS, dataset, paths.datasets(), listed)
    with beside(paths.VALIDATED) as part:
        part.write_text("params.yaml is an experiment\n")
