"""What models answered about sets of images, and its file: a Parquet table, one row an image, one column a model."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sisa.base.errors import BadInput
from sisa.base.files import beside
from sisa.data.images import Images
from sisa.data.tables import to_numpy

HELD_OUT, TRAINING = "held_out", "training_images"
UNUSED = "unused"  # images of the classes to forget that are in no shard and not held out
KEYS = ("set", "id", "class")


@dataclass(frozen=True)
class ModelOutputs:
    """A model's logits [n, K] float64 for each set, and how many images of each class it was trained on, [K] int64."""

    logits: dict[str, np.ndarray]
    counts: np.ndarray


@dataclass(frozen=True)
class Asked:
    """A set of images, as models were asked about it: ids [n] str and actual classes [n] str."""

    ids: np.ndarray
    classes: np.ndarray


def write(path: Path, sets: dict[str, Images], models: dict[Path, ModelOutputs]) -> None:
    """Logits as float32; the same outputs give the same bytes. There may be no model, and no set."""
    rows = [(name, *each) for name, images in sets.items() for each in zip(images.ids, images.classes, strict=True)]
    columns = {key: pa.array([row[place] for row in rows], pa.string()) for place, key in enumerate(KEYS)}
    for model, outputs in models.items():
        logits = np.concatenate([outputs.logits[name] for name in sets]).astype(np.float32)
        columns[model.as_posix()] = pa.FixedSizeListArray.from_arrays(logits.ravel(), logits.shape[1])
    counts = {model.as_posix(): outputs.counts.tolist() for model, outputs in models.items()}
    about = json.dumps({"sets": list(sets), "counts": counts})
    table = pa.table(columns).replace_schema_metadata({"about": about})
    with beside(path) as part:
        pq.write_table(table, part, compression="zstd", write_statistics=False, write_page_checksum=True)


def read(path: Path) -> tuple[dict[str, Asked], dict[Path, ModelOutputs]]:
    """The sets of images, and the outputs of each model. Raises BadInput where the file is missing or damaged."""
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        about = json.loads(table.schema.metadata[b"about"])
        counts = about["counts"]
        sets, ids, classes = (to_numpy(table[key]) for key in KEYS)
        flat = {model: table[model].combine_chunks().flatten().to_numpy().astype(np.float64) for model in counts}
        logits = {model: values.reshape(-1, len(counts[model])) for model, values in flat.items()}
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        way_back = f"dvc checkout --force {path}, or dvc repro"
        raise BadInput(f"{path}: missing or damaged; bring it back: {way_back}") from error
    rows = {name: sets == name for name in about["sets"]}
    asked = {name: Asked(ids[those], classes[those]) for name, those in rows.items()}
    models = {
        Path(model): ModelOutputs({name: found[those] for name, those in rows.items()}, np.array(counts[model]))
        for model, found in logits.items()
    }
    return asked, models


def by_state(states: dict[str, list[Path]], models: dict[Path, ModelOutputs]) -> dict[str, dict[str, ModelOutputs]]:
    """The outputs of each state's members, by state and by member; an empty member has none."""
    return {state: {each.name: models[each] for each in members if each in models} for state, members in states.items()}
