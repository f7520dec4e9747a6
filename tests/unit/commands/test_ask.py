"""What `python src ask` says of a photo, its past and each model's answer."""

import os
import socket
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Folder, load
from sisa.commands.ask import erased_as, every_member, history, legend, member_rows, prepared, say, state_rows, table
from sisa.data.images import image_id
from sisa.inference.outputs import ModelOutputs
from sisa.sources import roster

NAMES = ["cat", "cow", "dog"]
PARAMS = load(Path(__file__).parents[3] / "params.yaml")
DATASET = PARAMS.dataset.model_copy(update={"class_sets": {str(PARAMS.classes): NAMES}})
PARAMS = PARAMS.model_copy(update={"dataset": DATASET, "shards": NAMES})
TRAINED = {name: Path("shards", name) for name in PARAMS.shards}
RETRAINED = Path("retrained/cat")
STATES = {
    "before": list(TRAINED.values()),
    "after": [TRAINED["cow"], TRAINED["dog"]],
    "retrained": [RETRAINED, TRAINED["cow"], TRAINED["dog"]],
}
PHOTO = "cat.png"


def answering(name, *counts):
    """A model that names a class, trained on so many images of each."""
    logits = np.array([[float(other == name) for other in PARAMS.shards]])
    return ModelOutputs({PHOTO: np.log(1 + 2 * logits)}, np.array(counts))


MODELS = {
    "trained": {"cat": {"a"}, "cow": set(), "dog": {"a", "b"}},
    "retrained": {"cat": set(), "cow": set(), "dog": {"a", "b"}},
}
FOLDERS = {"trained": paths.members(PARAMS), "retrained": paths.retrained(PARAMS)}
RECEIPT = Path("receipts/2026-02-01-0a1b2c3d.json")


def seen(**changed):
    """What each model was trained on, by its own record; a set that is None is not known."""
    every = {FOLDERS[kind] / name: ids for kind, models in MODELS.items() for name, ids in models.items()}
    every |= {paths.BASELINE_FULL: {"a", "b"}, paths.BASELINE_RETRAINED: {"b"}}
    every |= {FOLDERS[kind] / name: ids for kind, models in changed.items() for name, ids in models.items()}
    return {model: ids for model, ids in every.items() if ids is not None}


def told(image, models, receipts=MappingProxyType({"f": RECEIPT})):
    classes = {"a": "cat", "b": "dog", "c": "dog", "d": "bear", "f": "cat"}
    rows = [(f"{id_}\x1b.png", id_, name, roster.KEPT) for id_, name in classes.items()]
    listed = roster.mark(pd.DataFrame(rows, columns=roster.COLUMNS), ["f"], "2026-02-01")
    return history(image, listed, receipts, {"c"}, models, PARAMS)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("a", r"on the roster as cat (a\x1b.png), trained on by: cat, dog; retrained without it: cat"),
        ("b", r"on the roster as dog (b\x1b.png), trained on by: dog"),
        ("c", r"on the roster as dog (c\x1b.png), held out: no model was trained on it"),
        ("d", r"on the roster as bear (d\x1b.png), in no shard: no model was trained on it"),
        (
            "e",
            "not on the roster, pixel for pixel; the models were trained on images of animal_mnist alone, "
            "and know no answers but cat, cow, dog",
        ),
        ("f", f"erased for good on 2026-02-01, receipt {RECEIPT}"),
    ],
)
def test_a_photo_is_held_out_or_known_to_the_members_that_say_that_they_saw_it(image, expected):
    assert told(image, seen()) == expected


def test_a_member_whose_record_is_of_other_images_is_not_said_to_be_without_one():
    cat = str(FOLDERS["retrained"] / "cat")
    models = seen(retrained={"cat": None})
    assert told("a", models).endswith(f", trained on by: cat, dog; not known of {cat}")
    assert told("c", models).endswith(f", held out; not known of {cat}")


def test_a_member_that_was_trained_on_more_than_its_shard_is_named():
    models = seen(retrained={"cow": {"d"}})
    assert told("d", models).endswith(f", trained on by: {FOLDERS['retrained'] / 'cow'}")


def test_an_erased_image_without_a_receipt_is_said_to_have_none():
    assert told("f", seen(), receipts={}) == "erased for good on 2026-02-01, no receipt here"


def test_an_erased_image_is_known_by_its_id_and_by_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [("cat/1.png", "a", "cat", "2026-02-01"), ("cat/2.png", "b", "cat", roster.KEPT)]
    listed = pd.DataFrame(rows, columns=roster.COLUMNS)
    for name in ("a", "cat/1.png", "./data/raw/pets/cat/1.png", str(tmp_path / "data/raw/pets/cat/1.png")):
        assert erased_as(name, listed, "pets") == [("a", "2026-02-01")]
    for name in ("b", "cat/2.png", "cat/3.png"):
        assert erased_as(name, listed, "pets") == []


def test_a_member_is_asked_as_trained_and_where_it_was_retrained_as_that_too():
    assert every_member(STATES) == [TRAINED["cat"], RETRAINED, TRAINED["cow"], TRAINED["dog"]]
    answers = dict.fromkeys(TRAINED.values(), answering("cat", 8, 1, 1)) | {RETRAINED: answering("dog", 0, 1, 1)}
    rows = list(member_rows(PHOTO, STATES, answers, PARAMS, ("cat",)))
    assert [(row["member"], row["serves"], row["trained on cat"], row["answer"]) for row in rows] == [
        ("cat", "before", 8, "cat"),
        ("cat", "retrained", 0, "dog"),
        ("cow", "before, after, retrained", 8, "cat"),
        ("dog", "before, after, retrained", 8, "cat"),
    ]


def test_an_empty_member_is_shown_and_does_not_serve():
    answers = dict.fromkeys(TRAINED.values(), answering("cat", 8, 1, 1))
    assert list(member_rows(PHOTO, STATES, answers, PARAMS, ("cat",)))[1] == {
        "member": "cat",
        "serves": "retrained",
        "trained on cat": 0,
        "answer": "empty",
    }
    rows = {row["state"]: row for row in state_rows(PHOTO, STATES, answers, PARAMS)}
    assert [rows[state]["members"] for state in STATES] == [3, 2, 2]
    assert {row["answer"] for row in rows.values()} == {"cat", "empty"}  # there are no baselines


def test_an_ensemble_without_members_and_one_that_cannot_compare_do_not_answer():
    states = {"before": [TRAINED["cat"], TRAINED["dog"]], "after": []}
    answers = {TRAINED["cat"]: answering("cat", 8, 0, 0), TRAINED["dog"]: answering("dog", 0, 0, 8)}
    rows = list(state_rows(PHOTO, states, answers, PARAMS))
    assert [row["answer"] for row in rows[:2]] == ["undecided", "no member"]


def test_a_single_model_says_how_sure_it_is_in_percent():
    assert say(answering("cow", 1, 1, 1), PHOTO, PARAMS.shards) == pytest.approx(
        {"answer": "cow", "cat": 20.0, "cow": 60.0, "dog": 20.0}
    )


def test_answers_that_name_the_forgotten_class_are_starred():
    lines = table([{"answer": "cat"}, {"answer": "dog"}], ("cat",)).splitlines()
    assert [line.split() for line in lines[2:]] == [["cat", "*"], ["dog"]]
    assert "* names cat, the forgotten class" in legend(PARAMS, ("cat",))


def test_several_forgotten_classes_are_each_starred_and_counted():
    starred = table([{"answer": "cat"}, {"answer": "cow"}, {"answer": "dog"}], ("cat", "cow"))
    assert [line.split()[1:] for line in starred.splitlines()[2:]] == [["*"], ["*"], []]
    assert "* names cat or cow, the forgotten classes" in legend(PARAMS, ("cat", "cow"))
    answers = dict.fromkeys(TRAINED.values(), answering("cat", 8, 1, 2))
    (first, *_) = member_rows(PHOTO, STATES, answers, PARAMS, ("cat", "dog"))
    assert (first["trained on cat"], first["trained on dog"]) == (8, 2)


def test_without_a_forgotten_class_nothing_is_starred_or_counted():
    answers = dict.fromkeys(TRAINED.values(), answering("cat", 8, 1, 1))
    shown = table(member_rows(PHOTO, STATES, answers, PARAMS, ()), ())
    assert "*" not in shown + legend(PARAMS, ())
    assert shown.split()[:3] == ["member", "serves", "answer"]


def test_a_photo_is_turned_upright_and_resized_as_those_of_the_data_set_and_keeps_the_id_of_its_full_size(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(np.rot90(rgb)).save(tmp_path / "turned.png", exif=exif)
    photo = prepared(tmp_path / "turned.png", PARAMS.dataset)
    assert photo.ids.item() == image_id(rgb)
    assert photo.pixels.shape == (1, 1, 28, 28)


def test_a_photo_may_be_as_large_as_the_data_set_takes_it(tmp_path):
    Image.new("RGB", (2_000, 1_000)).save(tmp_path / "large.png")

    def asked(megapixels: int):
        source = Folder(kind="folder", megapixels=megapixels)
        return prepared(tmp_path / "large.png", PARAMS.dataset.model_copy(update={"source": source}))

    assert len(asked(2)) == 1
    with pytest.raises(BadInput, match=r"large\.png: too large: 2 megapixels, limit 1"):
        asked(1)


def test_a_pipe_a_socket_a_device_and_a_folder_are_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for path, kind in {"pipe": "a pipe", "socket": "a pipe", "/dev/zero": "a pipe", ".": "a folder"}.items():
            with pytest.raises(BadInput, match=f"{kind}.*, where a file is wanted; name a file"):
                prepared(tmp_path / path, PARAMS.dataset)
