"""Validate a run before it starts: `dvc repro` deletes a stage's outputs before the stage can complain."""

from sisa import paths, raw
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


if __name__ == "__main__":
    main()
