"""One command line: every stage and command has help, and says in one line what it does not understand."""

import runpy
import shutil
from pathlib import Path

import pytest

from sisa.base.errors import BadInput

ROOT = Path(__file__).parents[3]
COMMAND_LINE = runpy.run_path(str(ROOT / "src/__main__.py"), run_name="command line")
KIND_OF, PARSED = COMMAND_LINE["KIND_OF"], COMMAND_LINE["parsed"]


@pytest.fixture(autouse=True)
def root(monkeypatch):
    monkeypatch.chdir(ROOT)  # some defaults are those of params.yaml


@pytest.mark.parametrize("name", KIND_OF)
def test_everything_that_can_be_run_has_help(name, capsys):
    with pytest.raises(SystemExit) as end:
        PARSED(name, ["--help"])
    assert end.value.code == 0
    assert f"usage: python src {name}" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_without_a_name_it_says_what_there_is_to_run_and_what_for(words, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["src", *words])
    assert COMMAND_LINE["main"]() == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert [line[0] for line in lines] == list(KIND_OF)
    assert all(len(line) > 1 for line in lines)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["nonsense"], "error in nonsense: there is no such stage or command; choose one of approximate, ask, "),
        (["a\x1b[2J\nb"], r"error in a\x1b[2J\nb: there is no such stage or command"),  # nothing steers the terminal
        (["scan", "\udcff\x1b"], r"error in scan: '\udcff\x1b' is neither an id nor"),
        (
            ["forget", "x", "--reason", "why", "--dataset", "zoo"],
            "error in forget: argument --dataset: invalid choice: 'zoo'",
        ),
        (["erase", "x", "--reason", " "], "error in erase: the reason is blank; say why"),
        (["erase", "x", "--reason", "=1"], "error in erase: the reason begins with ="),
        (["train_shards"], "error in train_shards: the following arguments are required: SHARD; see python src train_"),
        (["evaluate", "cat"], "error in evaluate: unrecognized arguments: cat; see python src evaluate --help"),
        (["simulate", "--plays", "0"], "error in simulate: argument --plays: '0' is not a whole number from 1 on; see"),
    ],
)
def test_what_it_does_not_understand_is_said_in_one_line(words, complaint, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["src", *words])
    assert COMMAND_LINE["main"]() == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(complaint)
    assert (printed.out, printed.err.count("\n")) == ("", 1)


def test_a_wrong_word_is_bad_input():
    with pytest.raises(BadInput, match="unrecognized arguments: --nonsense"):
        PARSED("validate", ["--nonsense"])


def test_the_way_to_the_root_can_be_pasted(tmp_path, capsys, monkeypatch):
    folder = tmp_path / "my clone" / "docs"
    folder.mkdir(parents=True)
    (folder.parent / "src").mkdir()
    shutil.copy(ROOT / "src/__main__.py", folder.parent / "src")
    monkeypatch.chdir(folder)
    monkeypatch.setattr("sys.argv", ["src", "evaluate"])
    program = runpy.run_path("../src/__main__.py", run_name="command line")
    monkeypatch.setitem(program["main"].__globals__, "KIND_OF", KIND_OF)
    assert program["main"]() == 1
    assert capsys.readouterr().err.endswith(f"root: cd '{folder.parent}'\n")
