"""What `python src ask` says of a photo, its past and each model's answer."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from sisa.base.errors import BadInput
from sisa.base.params import load
from sisa.commands.ask import every_member, history, legend, member_rows, prepared, say, state_rows, table
from sisa.data.images import Images, Shard, image_id
from sisa.inference.outputs import ModelOutputs
from sisa.sources import roster
from sisa.unlearning.forget_set import ForgetSet

PARAMS = load(Path(__file__).parents[3] / "params.yaml").model_copy(update={"shards": ["cat", "cow", "dog"]})
TRAINED = {name: Path("shards", name) for name in PARAMS.shards}
RETRAINED = Path("retrained/cat")
STATES = {
    "before": list(TRAINED.values()),
    "after": [TRAINED["cow"], TRAINED["dog"]],
    "retrained": [RETRAINED, TRAINED["cow"], TRAINED["dog"]],
}
PHOTO = "cat.png"
UNKNOWN = Images(np.array(["f"]), np.array([""]), np.zeros((1, 1, 2, 2), dtype=np.uint8))


def images(*ids, kind=Images):
    text = np.array(ids, dtype=np.str_)
    more = {"roles": text, "slices": np.zeros(len(ids), dtype=np.int64)} if kind is Shard else {}
    return kind(text, text, np.zeros((len(ids), 1, 2, 2), dtype=np.uint8), **more)


def answering(name, *counts):
    """A model that names a class, trained on so many images of each."""
    logits = np.array([[float(other == name) for other in PARAMS.shards]])
    return ModelOutputs({PHOTO: np.log(1 + 2 * logits)}, np.array(counts))


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("a", "on the roster as cat (a.png), trained on by: cat, dog; retrained without it: cat"),
        ("b", "on the roster as dog (b.png), trained on by: dog"),
        ("c", "on the roster as dog (c.png), held out: no model was trained on it"),
        ("d", "on the roster as bear (d.png), in no shard: no model was trained on it"),
        ("e", "not on the roster, pixel for pixel"),
        ("f", "erased for good on 2026-02-01"),
    ],
)
def test_a_photo_is_held_out_or_known_to_the_members_whose_shards_hold_it(image, expected):
    classes = {"a": "cat", "b": "dog", "c": "dog", "d": "bear", "f": "cat"}
    rows = [(f"{id_}.png", id_, name, roster.KEPT) for id_, name in classes.items()]
    listed = roster.mark(pd.DataFrame(rows, columns=roster.COLUMNS), ["f"], "2026-02-01")
    shards = {"cat": images("a", kind=Shard), "cow": images(kind=Shard), "dog": images("a", "b", kind=Shard)}
    request = ForgetSet("cat", "dominant", [], {"cat": ["a"]}, {})
    assert history(image, listed, shards, images("c"), request) == expected


def test_a_member_is_asked_as_trained_and_where_it_was_retrained_as_that_too():
    assert every_member(STATES) == [TRAINED["cat"], RETRAINED, TRAINED["cow"], TRAINED["dog"]]
    answers = dict.fromkeys(TRAINED.values(), answering("cat", 8, 1, 1)) | {RETRAINED: answering("dog", 0, 1, 1)}
    rows = list(member_rows(PHOTO, STATES, answers, PARAMS, "cat"))
    assert [(row["member"], row["serves"], row["trained on cat"], row["answer"]) for row in rows] == [
        ("cat", "before", 8, "cat"),
        ("cat", "retrained", 0, "dog"),
        ("cow", "before, after, retrained", 8, "cat"),
        ("dog", "before, after, retrained", 8, "cat"),
    ]


def test_an_empty_member_is_shown_and_does_not_serve():
    answers = dict.fromkeys(TRAINED.values(), answering("cat", 8, 1, 1))
    assert list(member_rows(PHOTO, STATES, answers, PARAMS, "cat"))[1] == {
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
    lines = table([{"answer": "cat"}, {"answer": "dog"}], "cat").splitlines()
    assert [line.split() for line in lines[2:]] == [["cat", "*"], ["dog"]]
    assert "* names cat, the forgotten class" in legend(PARAMS, "cat")


def test_without_a_forgotten_class_nothing_is_starred_or_counted():
    answers = dict.fromkeys(TRAINED.values(), answering("cat", 8, 1, 1))
    shown = table(member_rows(PHOTO, STATES, answers, PARAMS, None), None)
    assert "*" not in shown + legend(PARAMS, None)
    assert shown.split()[:3] == ["member", "serves", "answer"]


def test_a_photo_is_turned_upright_and_resized_as_those_of_the_data_set_and_keeps_the_id_of_its_full_size(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(np.rot90(rgb)).save(tmp_path / "turned.png", exif=exif)
    photo = prepared(tmp_path / "turned.png", PARAMS.dataset)
    assert photo.ids.item() == image_id(rgb)
    assert photo.pixels.shape == (1, 1, 28, 28)


def test_a_file_name_that_is_no_text_can_be_named():
    with pytest.raises(BadInput, match="\N{REPLACEMENT CHARACTER}"):
        prepared(Path("\udcff.png"), PARAMS.dataset)
