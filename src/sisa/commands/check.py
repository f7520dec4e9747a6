"""Validate a run before it starts: `dvc repro` deletes a stage's outputs before the stage can complain."""

from sisa import raw, requests, roster
from sisa.common import paths
from sisa.common.errors import BadInput
from sisa.common.params import load
from sisa.stages.split import draw_classes


def main() -> None:
    params = load()
    dataset = params.dataset.name
    if dataset not in paths.datasets():
        raise BadInput(f"dataset.name is {dataset}; choose one of {', '.join(paths.datasets())}")
    folder = paths.raw(dataset)
    if not folder.is_dir():
        raise BadInput(f"{folder}: no raw images; bring them in: {raw.make_data(params.dataset)}")
    draw_classes(params)
    requests.resolve(paths.REQUESTS, dataset, paths.datasets(), roster.read(paths.roster(dataset)))


if __name__ == "__main__":
    main()
