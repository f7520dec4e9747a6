"""A params.yaml that was edited by hand is never silently up to date, and what DVC removed can be brought back."""

import pytest

from sisa.base.errors import BadInput
from sisa.stages import validate

EDITS = {
    "classes": ({"classes": 3}, "shards is cat, cow, dog, elephant, horse, but classes=3"),
    "class": ({"forget.class": "catt"}, "forget.class names 'catt'"),
    "too few images": ({"leakage.dominant": 16}, "class cat has 20 images, but leakage.dominant=16 and"),
}
MORE_EDITS = {
    "level": ({"leakage": "medium"}, "leakage is 'medium', not the values of a choice; choose one of high, low, none"),
    "negative count": ({"leakage.leaked": -3}, "leakage.leaked is -3"),
    "count as text": ({"leakage.dominant": "12"}, "leakage.dominant is '12'"),
    "class count": ({"classes": 4}, "classes is 4, but data set tiny has 3 and 5"),
    "shards": ({"shards": ["cat", "dog", "horse"]}, "shards is cat, dog, horse, but classes=5"),
    "recipe": ({"train": "foo"}, "train is 'foo', not the values of a choice; choose one of fast, notebook, photo"),
    "data set": ({"dataset": "foo"}, "dataset is 'foo', not the values of a choice; choose one of animal_mnist"),
    "test set": ({"dataset.test_per_class": 9}, "class cat has 20 images, but leakage.dominant=12 and"),
}
PLACES = ("data", "models", "metrics", "plots")


@pytest.mark.parametrize(("edit", "complaint"), EDITS.values(), ids=EDITS)
def test_a_hand_edit_is_refused_and_outputs_come_back(repo, edit, complaint):
    before = repo.files(*PLACES)
    repo.edit_params(edit)
    outcome = repo.dvc("repro", code=255)
    assert complaint in outcome.complaint
    assert repo.files(*PLACES) != before  # else this tests no way back

    repo.run(outcome.way_back, shell=True)
    assert repo.files(*PLACES) == before
    assert repo.git("status", "--short").printed == ""
    assert "up to date" in repo.dvc("status").printed


@pytest.mark.parametrize(("edit", "complaint"), (EDITS | MORE_EDITS).values(), ids=EDITS | MORE_EDITS)
def test_a_hand_edit_is_refused_before_a_run(fresh, monkeypatch, edit, complaint):
    monkeypatch.chdir(fresh.path)
    validate.main()
    fresh.edit_params(edit)
    with pytest.raises(BadInput, match=complaint):
        validate.main()


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
    lost = before.items() - repo.files(*PLACES).items()
    assert lost == {("data/validated.txt", before["data/validated.txt"])}
    repo.run(outcome.way_back, shell=True)
    assert before.items() <= repo.files(*PLACES).items()  # DVC leaves empty folders of four classes
    assert repo.git("status", "--short").printed == ""
