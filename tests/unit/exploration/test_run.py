"""A run that is loaded says what the pipeline wrote: its copies, its answers, its measures."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import sisa
from sisa.base.errors import BadInput
from sisa.base.params import load as load_params
from sisa.data.images import Pool, Shard
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import AGGREGATIONS, loss_of
from sisa.exploration.run import Run
from sisa.inference.outputs import HELD_OUT, TRAINING, UNUSED, Asked, ModelOutputs
from sisa.unlearning import forget_set

ROOT = Path(__file__).parents[3]
CLASSES = ["cat", "cow"]
TRAIN = load_params(ROOT / "params.yaml").train


def names(text):
    return np.array(text.split(), dtype=np.str_)


def model(seed, *counts):
    rng = np.random.default_rng(seed)
    return ModelOutputs({name: rng.normal(size=(len(each.ids), 2)) for name, each in ASKED.items()}, np.array(counts))


def shard(ids, classes, roles):
    count = len(names(ids))
    pixels = np.zeros((count, 1, 2, 2), np.uint8)
    return Shard(names(ids), names(classes), pixels, names(roles), np.arange(count) % 2)


ASKED = {
    HELD_OUT: Asked(names("t1 t2 t3"), names("cat cow cow")),
    TRAINING: Asked(names("a b c"), names("cat cat cow")),
    UNUSED: Asked(names("u"), names("cat")),
}
SHARDS = {
    "cat": shard("a b c", "cat cat cow", "dominant dominant leaked"),
    "cow": shard("c b", "cow cat", "dominant leaked"),
}
IDS = names("a b c t1 t2 t3 u")


@pytest.fixture
def run():
    members = Path("models/shards/tiny-2"), Path("models/retrained/tiny-2")
    params = SimpleNamespace(
        shards=CLASSES,
        class_names=CLASSES,
        classes=2,
        dataset=SimpleNamespace(name="tiny"),
        sharding=SimpleNamespace(folder="tiny-2"),
        aggregation="mean_logits",
        train=TRAIN,
    )
    models = {
        members[0] / "cat": model(0, 2, 1),
        members[0] / "cow": model(1, 1, 1),
        members[1] / "cat": model(2, 0, 1),
    }
    models |= {Path("models/baseline_full"): model(3, 2, 1)}
    pixels = np.arange(len(IDS) * 12, dtype=np.uint8).reshape(-1, 3, 2, 2)
    pool = Pool(IDS, names("cat cat cow cat cow cow cat"), pixels, IDS)
    _, forgotten = forget_set.forget(SHARDS, ("cat",), "dominant", [])
    return Run(params, pool, SHARDS, forgotten, ASKED, models)


def test_images_say_where_they_are_and_whether_they_were_to_be_forgotten(run):
    assert run.images.loc["b"].to_dict() == {"set": TRAINING, "class": "cat", "copies": 2, "forgotten": True}
    assert run.images.loc["u"].to_dict() == {"set": UNUSED, "class": "cat", "copies": 0, "forgotten": False}
    assert run.matrix().to_dict("index") == {"cat": {"cat": 2, "cow": 1}, "cow": {"cat": 1, "cow": 1}}


def test_a_leaked_copy_is_followed_through_the_shards(run):
    assert run.copies("b").reset_index().to_dict("list") == {
        "shard": ["cat", "cow"], "role": ["dominant", "leaked"], "slice": [1, 1], "retained": [False, True],
    }  # fmt: skip
    assert run.copies("t1").empty


def test_members_answer_in_the_states_that_they_serve(run):
    said = run.members("t2")
    assert said.index.tolist() == [
        ("before", "cat"), ("before", "cow"), ("after", "cow"),
        ("retrained", "cat"), ("retrained", "cow"), ("baseline_full", "baseline_full"),
    ]  # fmt: skip
    logits = run.models[Path("models/retrained/tiny-2/cat")].logits[HELD_OUT][1]
    assert said.loc[("retrained", "cat"), "answer"] == CLASSES[logits.argmax()]
    assert said[CLASSES].sum(axis=1).to_numpy() == pytest.approx(1)


@pytest.mark.parametrize("aggregation", [None, *AGGREGATIONS])
def test_answers_and_scores_are_those_of_the_evaluation(aggregation, run):
    on = scoring.evaluation_set(ASKED, CLASSES, run.forget_set)
    by_name = scoring.by_every_aggregation([*run.states["retrained"].values()], on, loss_of(TRAIN))
    expected = by_name[aggregation or "mean_logits"]
    answers = run.answers("retrained", aggregation)
    assert answers["actual"].tolist() == ["cat", "cow", "cow"]
    assert answers["answer"].tolist() == [CLASSES[number] for number in expected[HELD_OUT].classes]
    assert np.array_equal(answers[CLASSES], expected[HELD_OUT].probabilities)
    measures = scoring.utility(expected, on)[HELD_OUT]
    assert run.score("retrained", aggregation)["forgotten_auroc"] == measures["forgotten_auroc"]
    assert run.score("retrained", aggregation)["of cow"] == measures["class"]["cow"]


def test_an_aggregation_that_declines_is_undecided(run):
    lone = {path: ModelOutputs(each.logits, np.array([0, 1])) for path, each in run.models.items()}
    lone[Path("models/shards/tiny-2/cat")] = ModelOutputs(model(0).logits, np.array([1, 0]))
    apart = Run(run.params, run.pool, run.shards, run.forget_set, run.asked, lone)
    answers = apart.answers("before", "prior_corrected")
    assert set(answers["answer"]) == {"undecided"}
    assert answers[CLASSES].isna().all(axis=None)
    assert apart.score("before", "prior_corrected").to_dict() == {"undecided": 1.0}


def test_pixels_are_as_matplotlib_takes_them(run):
    assert np.array_equal(run.pixels(["t1", "a"])[0, ..., 2], run.pool.pixels[3, 2])
    grey = Pool(run.pool.ids, run.pool.classes, run.pool.pixels[:, :1], run.pool.files)
    assert Run(run.params, grey, SHARDS, run.forget_set, ASKED, run.models).pixels(["a"]).shape == (1, 2, 2)


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda run: run.score("later"), "'later' is no state; choose one of before, after, retrained, baseline_full,"),
        (lambda run: run.answers("after", "mean"), "aggregation is 'mean'; choose one of prior_corrected, "),
        (lambda run: run.answers("after", which="all"), "'all' is no set of images; choose one of held_out, "),
        (lambda run: run.score("baseline_retrained"), "baseline_retrained has no answers: the request left it no"),
        (lambda run: run.copies("x"), "'x' is no id of an image of this run"),
        (lambda run: run.members("x"), "'x' is no id of an image of this run"),
        (lambda run: run.pixels(["a", "x"]), "'x' is no id of an image in the pool"),
    ],
)
def test_what_there_is_not_is_said_in_one_line(ask, complaint, run):
    with pytest.raises(BadInput) as error:
        ask(run)
    assert str(error.value).startswith(complaint)


def test_a_folder_without_a_run_says_what_to_do(tmp_path):
    with pytest.raises(BadInput, match=r"params\.yaml: not in this folder"):
        sisa.load(tmp_path)
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    with pytest.raises(BadInput, match=r"forget_set\.json: no such file; bring it back"):
        sisa.load(tmp_path)


def test_a_run_of_another_request_is_not_taken_for_that_of_the_parameters(tmp_path):
    (tmp_path / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    forget_set.write(tmp_path / "data/forget_set.json", forget_set.ForgetSet(("dog",), "dominant", [], {}, {}))
    with pytest.raises(BadInput, match=r"forget_set\.json is not of the request in params\.yaml; run dvc repro"):
        sisa.load(tmp_path)


def test_the_package_imports_nothing_until_it_is_asked_to_load():
    code = "import sys, sisa; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src", check=True)
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        _ = sisa.lod
