"""A params.yaml that was edited by hand is never silently up to date, and what DVC removed can be brought back."""

import shutil

import pytest

from sisa.base.errors import BadInput
from sisa.stages import validate

EDITS = {
    "classes": ({"classes": 3}, "shards is cat, cow, dog, elephant, horse, but classes=3"),
    "class": ({"forget.class": "catt"}, "forget.class names 'catt'"),
    "too few images": ({"leakage.dominant": 16}, "class cat has 20 images, but leakage.dominant=16 and"),
}
MORE_EDITS = {
    "level": (
        {"leakage": "medium"},
        "leakage is 'medium', not the values of a choice; choose one of high, low, neighbour, none",
    ),
    "negative count": ({"leakage.leaked": -3}, "leakage.leaked is -3"),
    "count as text": ({"leakage.dominant": "12"}, "leakage.dominant is '12'"),
    "class count": ({"classes": 4}, "classes is 4, but data set tiny has 3 and 5"),
    "shards": ({"shards": ["cat", "dog", "horse"]}, "shards is cat, dog, horse, but classes=5"),
    "recipe": ({"train": "foo"}, "train is 'foo', not the values of a choice; choose one of fast, notebook, photo"),
    "data set": ({"dataset": "foo"}, "dataset is 'foo', not the values of a choice; choose one of animal_mnist"),
    "test set": ({"dataset.test_per_class": 9}, "class cat has 20 images, but leakage.dominant=12 and"),
}
PLACES = ("data", "models", "metrics", "plots")


def lost(repo, before):
    """What is gone or changed of the files that were there; DVC may add some, and empty folders."""
    return {name for name, _ in before.items() - repo.files(*PLACES).items()}


@pytest.mark.full
@pytest.mark.parametrize(("edit", "complaint"), EDITS.values(), ids=EDITS)
def test_a_hand_edit_is_refused_before_a_result_is_lost_and_the_way_back_works(repo, edit, complaint):
    before = repo.files(*PLACES)
    repo.edit_params(edit)
    outcome = repo.dvc("repro", code=255)
    assert complaint in outcome.complaint
    assert lost(repo, before) == {"data/validated.txt"}

    repo.run(outcome.way_back, shell=True)
    assert repo.files(*PLACES) == before
    assert repo.git("status", "--short").printed == ""
    assert "up to date" in repo.dvc("status").printed


def unknown_request(repo):
    with (repo / "data/requests.csv").open("a") as file:
        file.write("tiny,never.png,2026-01-31,why\n")


def roster_of_fewer_cats(repo):
    file = repo / "data/rosters/tiny.csv"
    file.write_text("".join(line for line in file.read_text().splitlines(True) if not line.startswith("cat/0")))


def value_out_of_range(repo):
    repo.edit_params({"leakage.leaked": -3})


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (unknown_request, "data/requests.csv, line 2: 'never.png' is neither an id nor a raw file"),
        (roster_of_fewer_cats, "class cat has 10 images, but leakage.dominant=12 and"),
        (value_out_of_range, "leakage.leaked is -3"),
    ],
    ids=lambda value: value.__name__ if callable(value) else None,
)
def test_repro_refuses_what_is_no_experiment_before_a_result_is_lost(repo, damage, complaint):
    before = repo.files(*PLACES)
    damage(repo)
    assert complaint in repo.dvc("repro", code=255).complaint
    assert lost(repo, before) <= {"data/validated.txt", "data/rosters/tiny.csv", "data/requests.csv"}

    repo.git("checkout", "--quiet", ".")
    assert repo.dvc("repro").executed == []
    assert repo.files(*PLACES) == before


def test_repro_without_the_raw_images_is_refused_before_a_result_is_lost(repo):
    """By DVC itself, as `validate` need not run; our own `repro` runs it, and says what to do."""
    shutil.rmtree(repo / "data/raw/tiny")
    before = repo.files(*PLACES)
    assert "missing data 'source': data/raw/tiny" in repo.dvc("repro", code=255).printed
    complaint = repo.python("src", "repro", code=1).complaint
    assert "data/raw/tiny: no raw images; bring them in: make data DATASET=tiny" in complaint
    assert repo.files(*PLACES) == before


@pytest.mark.parametrize(("edit", "complaint"), (EDITS | MORE_EDITS).values(), ids=EDITS | MORE_EDITS)
def test_a_hand_edit_is_refused_before_a_run(fresh, monkeypatch, edit, complaint):
    monkeypatch.chdir(fresh.path)
    validate.main()
    fresh.edit_params(edit)
    with pytest.raises(BadInput, match=complaint):
        validate.main()


@pytest.mark.full
@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ("classes=4", "classes is 4, but data set tiny has 3 and 5"),
        ("aggregation=mean", "aggregation is 'mean'"),
        ("+leakge=low", "leakge is not a parameter"),
    ],
)
def test_a_choice_that_is_no_parameter_or_value_is_refused_before_any_result_is_lost(repo, choice, complaint):
    before = repo.files(*PLACES)
    outcome = repo.dvc("exp", "run", "-S", choice, code=255)
    assert complaint in outcome.complaint
    assert lost(repo, before) == {"data/validated.txt"}
    repo.run(outcome.way_back, shell=True)
    assert before.items() <= repo.files(*PLACES).items()  # DVC leaves empty folders of four classes
    assert repo.git("status", "--short").printed == ""
