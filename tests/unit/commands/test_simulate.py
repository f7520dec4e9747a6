"""`python src simulate` compares shards and slices, and refuses what cannot be played."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from sisa.base.errors import BadInput
from sisa.commands import simulate

ROOT = Path(__file__).parents[3]
SMALL = ["--images", "1000", "--requests", "20", "--plays", "2"]


@pytest.fixture
def run(tmp_path, monkeypatch, call):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        call(simulate, *arguments)
        return pd.read_csv("simulation.csv")

    return run


def test_each_number_of_shards_is_played_with_each_number_of_slices(run, capsys):
    table = run(*SMALL, "--shards", "5", "10", "--slices", "1", "4")
    assert table[["shards", "slices"]].to_numpy().tolist() == [[5, 1], [5, 4], [10, 1], [10, 4]]
    assert table["checkpoints"].tolist() == [5, 20, 10, 40]
    assert (table["retraining"] < table["full retraining"]).all()
    assert (abs(table["retraining"] / table["closed form"] - 1) < 0.3).all()
    assert "cheapest to forget with: shards 10, slices 4" in capsys.readouterr().out
    assert Path("simulation.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "has_closed_form"),
    [
        (["--pattern", "user", "--user-images", "7"], False),
        (["--pattern", "class", "--requests", "3", "--slices", "1"], True),
        (["--pattern", "class", "--requests", "3", "--slices", "2"], False),
        (["--pattern", "class", "--requests", "3", "--scope", "dominant"], False),
        (["--reach", "1", "--batch", "4"], True),
        (["--batch", "3"], False),
    ],
)
def test_patterns_and_batches_have_a_closed_form_or_none(options, has_closed_form, run):
    table = run(*SMALL, "--shards", "5", "--leaked", "5", *options)
    assert table["closed form"].notna().all() == has_closed_form
    assert (table["retraining"] > 0).all()


def test_a_leakage_matrix_of_ones_own_is_played(run):
    rows = [
        (shard, name, 40 if shard == name else 5 * (name == "cat"))
        for shard in ("cat", "dog")
        for name in ("cat", "dog")
    ]
    pd.DataFrame(rows, columns=["shard", "class", "images"]).to_csv("matrix.csv", index=False)
    table = run(
        *SMALL, "--matrix", "matrix.csv", "--slices", "1", "--pattern", "class", "--requests", "2", "--epochs", "3"
    )
    assert table[["shards", "images a shard"]].to_numpy().tolist() == [[2, 42]]
    # cat first: all 40 of dog's own; then nothing is left. Dog first: the 5 cats there; then the cat shard ends empty.
    assert table["retraining"][0] * 2 in (3 * 40, 3 * 5, 3 * (40 + 5) / 2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--requests", "1001", "--images", "1000"], "there are only 1,000 images to forget in 5 shards"),
        (["--requests", "6", "--pattern", "class"], "there are only 5 classes to forget in 5 shards"),
        (["--reach", "5"], "of 5 shards, each has 4 next to it; write `all` for every one"),
        (["--images", "1000", "--leaked", "201"], "a shard of 5 has 200 images of its own to copy"),
        (["--matrix", "/dev/zero"], "/dev/zero: a pipe, socket or device, where a file is wanted"),
        (["--matrix", "missing.csv"], "missing.csv: not a table of whole numbers"),
    ],
)
def test_what_cannot_be_played_is_refused(arguments, complaint, run):
    with pytest.raises(BadInput, match=complaint):
        run("--shards", "5", *arguments)
    assert list(Path().glob("simulation*")) == []


@pytest.mark.parametrize(
    ("leaked", "complaint"),
    [
        ("", "it needs one row for each pair of a shard and a class"),
        ("cat,dog,5\ndog,cat,0\n", "more than the class's own shard"),
        ("cat,dog,-1\ndog,cat,0\n", "fewer than no images"),
        ("cat,dog,1.5\ndog,cat,0\n", "not a table of whole numbers"),
        ("cat,dog,many\ndog,cat,0\n", "not a table of whole numbers"),
        ("cat,dog,1\ncat,dog,1\ndog,cat,0\n", "not a table of whole numbers"),
    ],
)
def test_what_is_no_leakage_matrix_is_refused(leaked, complaint, run):
    Path("matrix.csv").write_text(f"shard,class,images\ncat,cat,4\ndog,dog,4\n{leaked}")
    with pytest.raises(BadInput, match=complaint):
        run("--matrix", "matrix.csv")


@pytest.mark.parametrize(
    "arguments", [["--shards", "0"], ["--slices", "x"], ["--reach", "far"], ["--plays", "-1"], ["--seed", "-1"]]
)
def test_a_number_that_is_none_is_answered_with_the_usage(arguments, run, capsys):
    with pytest.raises(SystemExit):
        run(*arguments)
    assert arguments[0] in capsys.readouterr().err
