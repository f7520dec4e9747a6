"""Generated tables in documents are those of their files."""

import re
from pathlib import Path

import pytest

from sisa.documents import fill_in, table
from sisa.errors import BadInput

ROOT = Path(__file__).parents[2]
MARKER = re.compile(r"<!-- ((?:benchmarks|docs)/\S+\.csv) -->")
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
PLACES = [(path, source) for path in DOCUMENTS for source in MARKER.findall(path.read_text())]


def test_a_table_takes_the_place_of_what_stands_between_its_markers_and_only_there():
    begin, end = "<!-- results/a.csv -->", "<!-- end of results/a.csv -->"
    filled = fill_in(f"before\n{begin}\nold\n{end}\nafter\n", "results/a.csv", r"new \1")
    assert filled == f"before\n{begin}\n\nnew \\1\n\n{end}\nafter\n"
    assert fill_in(filled, "results/a.csv", r"new \1") == filled
    with pytest.raises(BadInput, match=r"put these two lines into the text: <!-- b\.csv -->"):
        fill_in(filled, "b.csv", "new")


def test_a_file_is_shown_with_its_figures_as_they_are(tmp_path):
    (tmp_path / "a.csv").write_text("name,share\na,0.10\nb,\n")
    assert [line.replace(" ", "") for line in table(tmp_path / "a.csv").splitlines()][2:] == ["|a|0.10|", "|b||"]


def test_there_are_generated_tables():
    assert {source for _, source in PLACES} >= {"benchmarks/cost-slicing.csv", "benchmarks/cost-sharding.csv"}


@pytest.mark.parametrize(("document", "source"), PLACES, ids=[f"{path.name}-{source}" for path, source in PLACES])
def test_the_tables_of_the_documents_are_those_of_their_files(document, source):
    text = document.read_text()
    assert fill_in(text, source, table(ROOT / source)) == text, "run the command that stands beside the table"
