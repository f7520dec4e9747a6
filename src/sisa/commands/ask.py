"""Ask the ensembles, the baselines and each member what photos show, and see who still names what was forgotten.

A photo is decoded and resized as those of the data set are. No model learns from it.
"""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate

from sisa.base import paths
from sisa.base.elementary import softmax
from sisa.base.errors import BadInput
from sisa.base.files import check_regular
from sisa.base.params import Dataset, Params, load
from sisa.base.text import for_number, in_words, number_of, printable
from sisa.data import tables
from sisa.data.images import Images, NoPicture, Pool, image_id, resize
from sisa.erasure import evidence, renewal
from sisa.evaluation.aggregation import loss_of
from sisa.evaluation.scoring import aggregated
from sisa.inference.logits import predict_logits
from sisa.inference.outputs import ModelOutputs
from sisa.repository import lock
from sisa.sources import roster
from sisa.sources.photo import decode, limit
from sisa.training.loop import be_deterministic
from sisa.unlearning import forget_set
from sisa.unlearning.states import BASELINES, members_by_state


def arguments(parser: argparse.ArgumentParser) -> None:
    what = "a photo, or an image's id or raw file as on the roster"
    parser.add_argument("photos", nargs="+", metavar="PHOTO", help=what)


def main(options: argparse.Namespace) -> None:
    params = load()
    listed = roster.read(paths.roster(params.dataset.name))
    receipts = evidence.by_image(params.dataset.name)
    pool = tables.read(paths.POOL, Pool)
    photos, gone = {}, []
    for name in options.photos:
        if erased := erased_as(name, listed, params.dataset.name):
            gone += [f"{printable(name)}: {erasure(image, date, receipts)}" for image, date in erased]
        else:
            known = of_pool(name, listed, params.dataset.name, pool)
            photos[printable(name)] = known or prepared(Path(name), params.dataset)
    if photos:
        print_answers(photos, listed, receipts, params)
    for line in gone:
        print(line)


def print_answers(photos: dict[str, Images], listed: pd.DataFrame, receipts: dict[str, Path], params: Params) -> None:
    to_forget = forget_set.read(paths.FORGET_SET)
    held_out = set(tables.read(paths.TEST, Images).ids)
    states = members_by_state(params, to_forget)
    seen, doubts = renewal.trained_on(params)
    be_deterministic(params.threads)
    answers = predict_logits([*every_member(states), *BASELINES], photos, params)

    print(legend(params, to_forget.classes))
    for line in [*mixture(params), *doubts]:
        print(f"notice: {line}")
    for photo, image in photos.items():
        print(f"\n{photo}: {history(image.ids.item(), listed, receipts, held_out, seen, params)}\n")
        print(table(state_rows(photo, states, answers, params), to_forget.classes))
        print(table(member_rows(photo, states, answers, params, to_forget.classes), to_forget.classes))


def erased_as(name: str, listed: pd.DataFrame, dataset: str) -> list[tuple[str, str]]:
    """The id and the date of each image that this id or raw file stood for, where all of them were erased for good and
    no such file is there now; none otherwise.
    """
    if Path(name).exists():
        return []
    names = {name, roster.below(paths.raw(dataset), name)}
    rows = listed[listed["id"].isin(names) | listed["file"].isin(names)]
    return [] if (rows["erased"] == roster.KEPT).any() else list(zip(rows["id"], rows["erased"], strict=True))


def erasure(image: str, date: str, receipts: dict[str, Path]) -> str:
    return f"erased for good on {date}, " + (f"receipt {receipts[image]}" if image in receipts else "no receipt here")


def mixture(params: Params) -> Iterator[str]:
    """One line where shards and models in place are not all as one run left them, by dvc.lock."""
    entries, declared = lock.read(), lock.declared()
    members = (f"{stage}@{name}" for name in params.shards for stage in ("train_shards", "retrain"))
    stages = ["split", "unlearn", *members, *(model.name for model in BASELINES)]
    if problems := list(dict.fromkeys(line for stage in stages for line in lock.problems(entries, declared, stage))):
        first = f"{number_of(len(problems), 'difference')} from {lock.LOCK}, the first: {problems[0]}"
        yield f"shards and models in place are a mixture and not of one run ({first}); run dvc repro"


def of_pool(name: str, listed: pd.DataFrame, dataset: str, pool: Pool) -> Images | None:
    """The image of the pool with this id or raw file, under any name on the roster, of no class; None where none is."""
    ids = roster.pictures(listed).get(roster.below(paths.raw(dataset), name), [])
    rows = np.flatnonzero(pool.among(ids))[-1:]
    return Images(pool.ids[rows], np.array([""]), pool.pixels[rows]) if len(rows) else None


def prepared(path: Path, dataset: Dataset) -> Images:
    """One photo as the models take it, of no class. Raises BadInput where it cannot be read or decoded."""
    check_regular(path)
    try:
        rgb = decode(path.read_bytes(), limit(dataset))
    except OSError as error:
        what_to_do = "name photos, or images as the roster does"
        raise BadInput(f"{path}: cannot be read ({error.strerror}); {what_to_do}") from error
    if isinstance(rgb, NoPicture):
        raise BadInput(f"{path}: {rgb.reason}")
    pixels = resize(rgb, dataset.image_size, dataset.channels)
    return Images(np.array([image_id(rgb)]), np.array([""]), pixels[None])


def every_member(states: dict[str, list[Path]]) -> list[Path]:
    """As trained and, where that is another one, as retrained; those of a shard side by side."""
    members = dict.fromkeys([*states["before"], *states["retrained"]])
    return sorted(members, key=lambda member: member.name)


def legend(params: Params, forgotten: tuple[str, ...]) -> str:
    size, colors = params.dataset.image_size, "grey" if params.dataset.channels == 1 else "color"
    noun = for_number(len(forgotten), "class")
    return (
        f"The models of {params.dataset.name} see a photo's centred square in {size} x {size} {colors} pixels.\n"
        f"Ensembles answer by {params.aggregation}; what each believes is in percent."
    ) + (f"\n* names {in_words(forgotten, 'or')}, the forgotten {noun}" if forgotten else "")


def history(
    image: str,
    listed: pd.DataFrame,
    receipts: dict[str, Path],
    held_out: set[str],
    seen: dict[Path, set[str]],
    params: Params,
) -> str:
    """Where the data set has the image of this id, and which members were trained on it.

    receipts: by erased image; seen: what each model was trained on, where that is known.
    """
    rows = listed[listed["id"] == image][-1:]  # under its last name
    if rows.empty:
        only = f"the models were trained on images of {params.dataset.name} alone"
        return f"not on the roster, pixel for pixel; {only}, and know no answers but {', '.join(params.class_names)}"
    if (date := rows["erased"].item()) != roster.KEPT:
        return erasure(image, date, receipts)
    known = f"on the roster as {rows['class'].item()} ({printable(rows['file'].item())})"
    known += ", held out" if image in held_out else ""
    said = training(image, seen, params)
    nowhere = "" if image in held_out else ", in no shard"
    return known + (said or f"{nowhere}: no model was trained on it")


def training(image: str, seen: dict[Path, set[str]], params: Params) -> str:
    """Which models were trained on the image, and which members were retrained without it, as far as that is known."""
    trained, retrained = paths.members(params), paths.retrained(params)
    members = [folder / name for folder in (trained, retrained) for name in params.shards]
    unknown = [str(model) for model in [*members, *BASELINES] if model not in seen]
    holders = [name for name in params.shards if image in seen.get(trained / name, ())]
    without = [name for name in holders if image not in seen.get(retrained / name, {image})]
    by = holders or [str(model) for model, ids in seen.items() if image in ids]
    said = f", trained on by: {', '.join(by)}" if by else ""
    said += f"; retrained without it: {', '.join(without)}" if without else ""
    return said + (f"; not known of {', '.join(unknown)}" if unknown else "")


def state_rows(
    photo: str, states: dict[str, list[Path]], answers: dict[Path, ModelOutputs], params: Params
) -> Iterator[dict]:
    """What each ensemble answers by the chosen aggregation, and what each baseline."""
    for state, folders in states.items():
        members = [answers[folder] for folder in folders if folder in answers]
        said = aggregated(params.aggregation, members, photo, (1, len(params.class_names)), loss_of(params.train))
        answer = [*params.class_names, "undecided"][said.classes.item()] if members else "no member"  # UNDECIDED is -1
        shares = {} if said.probabilities is None else percent(params.class_names, said.probabilities[0])
        yield {"state": state, "members": len(members), "answer": answer} | shares
    for model in BASELINES:
        yield {"state": model.name, "members": int(model in answers)} | say(
            answers.get(model), photo, params.class_names
        )


def member_rows(
    photo: str,
    states: dict[str, list[Path]],
    answers: dict[Path, ModelOutputs],
    params: Params,
    forgotten: tuple[str, ...],
) -> Iterator[dict]:
    """What each member says by itself, in which states it serves, and on how many of each forgotten class it was
    trained.
    """
    for member in every_member(states):
        row = {"member": member.name, "serves": ", ".join(state for state in states if member in states[state])}
        for name in forgotten:
            number = params.class_names.index(name)
            row[f"trained on {name}"] = int(answers[member].counts[number]) if member in answers else 0
        yield row | say(answers.get(member), photo, params.class_names)


def say(model: ModelOutputs | None, photo: str, classes: list[str]) -> dict:
    """A single model's answer and its softmax in percent, by class; an empty one (None) has none."""
    if model is None:
        return {"answer": "empty"}
    logits = model.logits[photo][0]
    return {"answer": classes[logits.argmax()]} | percent(classes, softmax(logits))


def percent(classes: list[str], probabilities: np.ndarray) -> dict[str, float]:
    return dict(zip(classes, 100 * probabilities, strict=True))


def table(rows: Iterable[dict], forgotten: tuple[str, ...]) -> str:
    """The rows, with a star at each answer that names a forgotten class."""
    starred = [row | {"answer": f"{row['answer']} *" if row["answer"] in forgotten else row["answer"]} for row in rows]
    return tabulate(starred, headers="keys", floatfmt=".1f") + "\n"
