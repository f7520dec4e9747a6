"""Validate a run before it starts: `dvc repro` deletes a stage's outputs before the stage can complain."""

from sisa import paths, raw, requests, roster
from sisa.commands.data import known_datasets
from sisa.errors import BadInput
from sisa.params import load
from sisa.stages.split import draw_classes


def main() -> None:
    params = load()
    if params.dataset.name not in known_datasets():
        raise BadInput(f"dataset.name is {params.dataset.name}; choose one of {', '.join(known_datasets())}")
    folder = paths.raw(params.dataset.name)
    if not folder.is_dir():
        raise BadInput(f"{folder}: no raw images; bring them in: {raw.make_data(params.dataset)}")
    draw_classes(params)
    for row, request in enumerate(requests.read(paths.REQUESTS), start=2):
        if request.dataset not in known_datasets():
            names = ", ".join(known_datasets())
            raise BadInput(f"{paths.REQUESTS}, row {row}: unknown data set {request.dataset!r}; choose one of {names}")
    requests.resolve(paths.REQUESTS, params.dataset.name, roster.read(paths.roster(params.dataset.name)))


if __name__ == "__main__":
    main()
