"""Ask the ensembles, the baselines and each member what photos show, and see who still names the forgotten class.

A photo is decoded and resized as those of the data set are. No model learns from it.
"""

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Dataset, Params, load
from sisa.data import tables
from sisa.data.images import Images, NoPicture, Pool, Shard, image_id, resize
from sisa.evaluation.aggregation import loss_of
from sisa.evaluation.scoring import aggregated
from sisa.inference.logits import predict_logits
from sisa.inference.odds import softmax
from sisa.inference.outputs import ModelOutputs
from sisa.sources import roster
from sisa.sources.photo import decode
from sisa.training.loop import be_deterministic
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.states import BASELINES, members_by_state


def arguments(parser: argparse.ArgumentParser) -> None:
    what = "a JPEG, PNG or WebP file, or an image's id or raw file as on the roster"
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help=what)


def main(options: argparse.Namespace) -> None:
    params = load()
    pool = tables.read(paths.POOL, Pool)
    photos = {printable(name): of_pool(name, pool) or prepared(Path(name), params.dataset) for name in options.photos}
    to_forget = forget_set.read(paths.FORGET_SET)
    listed = roster.read(paths.roster(params.dataset.name))
    shards = tables.read_shards(paths.SHARDS, params.shards)
    held_out = tables.read(paths.TEST, Images)
    states = members_by_state(params, to_forget)
    be_deterministic(params.train.threads)
    answers = predict_logits([*every_member(states), *BASELINES], photos, params)

    print(legend(params, to_forget.class_))
    for photo, image in photos.items():
        print(f"\n{photo}: {history(image.ids.item(), listed, shards, held_out, to_forget)}\n")
        print(table(state_rows(photo, states, answers, params), to_forget.class_))
        print(table(member_rows(photo, states, answers, params, to_forget.class_), to_forget.class_))


def printable(path: str | Path) -> str:
    """On Linux a file name may be any bytes."""
    return os.fsencode(path).decode(errors="replace")


def of_pool(name: str, pool: Pool) -> Images | None:
    """The image of the pool with this id or raw file, of no class; None where there is none."""
    rows = np.flatnonzero((pool.ids == name) | (pool.files == name))[:1]
    return Images(pool.ids[rows], np.array([""]), pool.pixels[rows]) if len(rows) else None


def prepared(path: Path, dataset: Dataset) -> Images:
    """One photo as the models take it, of no class. Raises BadInput where it cannot be read or decoded."""
    try:
        rgb = decode(path.read_bytes())
    except OSError as error:
        what_to_do = "name JPEG, PNG or WebP files, or images as the roster does"
        raise BadInput(f"{printable(path)}: cannot be read ({error.strerror}); {what_to_do}") from error
    if isinstance(rgb, NoPicture):
        raise BadInput(f"{printable(path)}: {rgb.reason}")
    pixels = resize(rgb, dataset.image_size, dataset.channels)
    return Images(np.array([image_id(rgb)]), np.array([""]), pixels[None])


def every_member(states: dict[str, list[Path]]) -> list[Path]:
    """As trained and, where that is another one, as retrained; those of a shard side by side."""
    members = dict.fromkeys([*states["before"], *states["retrained"]])
    return sorted(members, key=lambda member: member.name)


def legend(params: Params, class_: str | None) -> str:
    size, colors = params.dataset.image_size, "grey" if params.dataset.channels == 1 else "color"
    return (
        f"The models of {params.dataset.name} see a photo's centred square in {size} x {size} {colors} pixels.\n"
        f"Ensembles answer by {params.aggregation}; what each believes is in percent."
    ) + (f"\n* names {class_}, the forgotten class" if class_ else "")


def history(image: str, listed: pd.DataFrame, shards: dict[str, Shard], held_out: Images, to_forget: ForgetSet) -> str:
    """Where the data set has the image of this id, and which members were trained on it."""
    rows = listed[listed["id"] == image][-1:]  # under its last name
    if rows.empty:
        return "not on the roster, pixel for pixel"
    if (date := rows["erased"].item()) != roster.KEPT:
        return f"erased for good on {date}"
    known = f"on the roster as {rows['class'].item()} ({rows['file'].item()})"
    if image in held_out.ids:
        return f"{known}, held out: no model was trained on it"
    holders = [name for name, shard in shards.items() if image in shard.ids]
    if not holders:
        return f"{known}, in no shard: no model was trained on it"
    without = [name for name in holders if image in to_forget.removed.get(name, [])]
    known += f", trained on by: {', '.join(holders)}"
    return f"{known}; retrained without it: {', '.join(without)}" if without else known


def state_rows(
    photo: str, states: dict[str, list[Path]], answers: dict[Path, ModelOutputs], params: Params
) -> Iterator[dict]:
    """What each ensemble answers by the chosen aggregation, and what each baseline."""
    for state, folders in states.items():
        members = [answers[folder] for folder in folders if folder in answers]
        said = aggregated(params.aggregation, members, photo, (1, len(params.shards)), loss_of(params.train))
        answer = [*params.shards, "undecided"][said.classes.item()] if members else "no member"  # UNDECIDED is -1
        shares = {} if said.probabilities is None else percent(params.shards, said.probabilities[0])
        yield {"state": state, "members": len(members), "answer": answer} | shares
    for model in BASELINES:
        yield {"state": model.name, "members": int(model in answers)} | say(answers.get(model), photo, params.shards)


def member_rows(
    photo: str, states: dict[str, list[Path]], answers: dict[Path, ModelOutputs], params: Params, class_: str | None
) -> Iterator[dict]:
    """What each member says by itself, in which states it serves, and on how many of the class it was trained."""
    for member in every_member(states):
        row = {"member": member.name, "serves": ", ".join(state for state in states if member in states[state])}
        if class_:
            number = params.shards.index(class_)
            row[f"trained on {class_}"] = int(answers[member].counts[number]) if member in answers else 0
        yield row | say(answers.get(member), photo, params.shards)


def say(model: ModelOutputs | None, photo: str, classes: list[str]) -> dict:
    """A single model's answer and its softmax in percent, by class; an empty one (None) has none."""
    if model is None:
        return {"answer": "empty"}
    logits = model.logits[photo][0]
    return {"answer": classes[logits.argmax()]} | percent(classes, softmax(logits))


def percent(classes: list[str], probabilities: np.ndarray) -> dict[str, float]:
    return dict(zip(classes, 100 * probabilities, strict=True))


def table(rows: Iterable[dict], class_: str | None) -> str:
    """The rows, with a star at each answer that names the class."""
    starred = [row | {"answer": f"{row['answer']} *" if row["answer"] == class_ else row["answer"]} for row in rows]
    return tabulate(starred, headers="keys", floatfmt=".1f") + "\n"
