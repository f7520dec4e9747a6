"""Generated tables in documents are those of their files."""

from pathlib import Path

import pytest

from sisa.publishing import markdown_tables
from sisa.publishing.markdown_tables import documents, refreshed, sources, table

ROOT = Path(__file__).parents[3]
TEXT = (
    "a\n<!-- x/a.csv -->\nold\n<!-- end of x/a.csv -->\nb <!-- x/b.csv -->\n<!-- end of x/b.csv -->\n<!-- x/c.csv -->\n"
)


@pytest.fixture(autouse=True)
def in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_a_table_takes_the_place_of_what_stands_between_its_markers_and_only_there(monkeypatch):
    monkeypatch.setattr(markdown_tables, "table", lambda file: rf"new \1 {file}")
    assert sources(TEXT) == ["x/a.csv", "x/b.csv"]
    filled = refreshed(TEXT)
    assert filled == (
        "a\n<!-- x/a.csv -->\n\nnew \\1 x/a.csv\n\n<!-- end of x/a.csv -->\n"
        "b <!-- x/b.csv -->\n\nnew \\1 x/b.csv\n\n<!-- end of x/b.csv -->\n<!-- x/c.csv -->\n"
    )
    assert refreshed(filled) == filled


def test_a_file_is_shown_with_its_figures_as_they_are(tmp_path):
    (tmp_path / "a.csv").write_text("name,share\na,0.10\nb,\n")
    assert [line.replace(" ", "") for line in table(tmp_path / "a.csv").splitlines()][2:] == ["|a|0.10|", "|b||"]


def test_every_result_and_benchmark_that_is_published_has_a_table():
    shown = {source for document in documents() for source in sources(document.read_text())}
    published = [*Path("results").glob("*.csv"), *Path("benchmarks").glob("scale-*.csv")]
    assert shown >= {str(path) for path in published} | {
        "benchmarks/cost-slicing.csv",
        "benchmarks/cost-sharding.csv",
        "benchmarks/slices-animal_mnist.csv",
    }


@pytest.mark.parametrize(
    "document", [str(path.relative_to(ROOT)) for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]]
)
def test_the_tables_of_the_documents_are_those_of_their_files(document):
    text = Path(document).read_text()
    assert refreshed(text) == text, "run: python src results"
