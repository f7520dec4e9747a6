"""A change runs what depends on it, and nothing else: code by its package, and not at all what no result comes from."""

import pytest


def change(file):
    file.parent.mkdir(exist_ok=True)
    with file.open("a") as text:
        text.write("\n# changed\n")


def test_a_line_in_the_metrics_runs_the_evaluation_and_no_model(low):
    change(low / "src/sisa/evaluation/metrics.py")
    assert low.dvc("repro").executed == ["evaluate"]


def another_title(low):
    text = (low / "dvc.yaml").read_text()
    (low / "dvc.yaml").write_text(text.replace("title: Training loss", "title: Loss"))
    assert (low / "dvc.yaml").read_text() != text


@pytest.mark.parametrize(
    "edit",
    [
        lambda low: change(low / "src/sisa/publishing/tables.py"),
        lambda low: change(low / "src/sisa/commands/audit.py"),
        lambda low: change(low / "docs/attacks.md"),
        another_title,
    ],
    ids=["publishing", "commands", "docs", "plots of dvc.yaml"],
)
def test_what_is_published_or_typed_runs_no_stage(low, edit):
    edit(low)
    assert "Running stage" not in low.dvc("repro").printed
    assert "up to date" in low.dvc("status").printed
