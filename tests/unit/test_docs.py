"""The documentation holds together: links lead somewhere, generated pages are those of the code, commands exist."""

import json
import re
import runpy
import shlex
from pathlib import Path

import pandas as pd
import pytest
import reference
import yaml

import sisa
from sisa.base.errors import BadInput

ROOT = Path(__file__).parents[2]
ON_THE_SITE = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *ROOT.glob("docs/**/*.md")]
TEXTS = [path for path in ON_THE_SITE if path != ROOT / "docs/explore.md"]  # which `make docs` makes of the notebook
PRESENT = [path for path in TEXTS if path.name != "CHANGELOG.md"]  # which names what was
PROGRAM = runpy.run_path(str(ROOT / "src/__main__.py"), run_name="command line")
LINK = re.compile(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")
NAV = yaml.safe_load(re.sub(r"!!python\S+", "", (ROOT / "mkdocs.yml").read_text()))["nav"]
MADE = {"index.md", "contributing.md", "changelog.md", "explore.md"}  # by tools/mkdocs_hook.py, and by `make docs`


def named(paths):
    return pytest.mark.parametrize("text", paths, ids=lambda path: str(path.relative_to(ROOT)))


def prose(path):
    """The text without its code blocks."""
    return re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(path):
    """As GitHub and the site make them of headings."""
    titles = re.findall(r"^#+ (.*)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@named(TEXTS)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(text):
    lost = []
    for target, anchor in LINK.findall(prose(text)):
        if re.match("[a-z]+:", target):
            continue
        place = (text.parent / target).resolve() if target else text
        if not place.exists() or (anchor and anchor not in anchors(place)):
            lost.append(f"{target}#{anchor}")
    assert lost == []


def pages(nav):
    if isinstance(nav, str):
        return [nav]
    return [page for each in (nav.values() if isinstance(nav, dict) else nav) for page in pages(each)]


def test_the_site_has_a_place_for_every_page_and_every_place_has_a_page():
    written = {str(path.relative_to(ROOT / "docs")) for path in TEXTS if path.is_relative_to(ROOT / "docs")}
    assert sorted(pages(NAV)) == sorted(written | MADE)


@pytest.fixture(scope="module")
def generated():
    return reference.pages()


def test_what_is_made_from_the_code_says_what_the_code_says():
    texts = reference.texts()
    assert {ROOT / "docs/start.md", ROOT / "docs/model-card.md"} < texts.keys()
    stale = [str(place.relative_to(ROOT)) for place, text in texts.items() if place.read_text() != text]
    assert stale == [], "run: python tools/reference.py"


def test_the_reference_has_every_parameter_command_and_stage(generated):
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    keys = [key for key, part in params.items() if not isinstance(part, dict)]
    keys += [f"{group}.{key}" for group in ("leakage", "train", "forget", "attacks") for key in params[group]]
    rows = generated["parameters.md"]
    assert [key for key in keys if f"| `{key}` |" not in rows and f"| `{key}." not in rows] == []
    assert all(f"## python src {name}\n" in generated["commands.md"] for name in PROGRAM["KIND_OF"] if name in COMMANDS)
    assert all(f"## {name}" in generated["stages.md"] for name in PROGRAM["KIND_OF"] if name not in COMMANDS)


def test_every_measure_of_the_states_is_explained(generated):
    for file in ("summary", "before", "baseline", "forgetting"):
        for name in reference.measures(json.loads((ROOT / f"metrics/{file}.json").read_text())):
            assert f"| `{name}` |" in generated["metrics.md"], f"{name} has no meaning in words.yaml"


COMMANDS = {name for name, kind in PROGRAM["KIND_OF"].items() if kind == "commands"}
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def code(path):
    """The commands in a text: lines of its code blocks, and what stands in backquotes."""
    text = path.read_text()
    blocks = re.findall(r"^```(?:sh|bash)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()] + re.findall(r"`([^`\n]+)`", prose(path))


@named(PRESENT)
def test_every_make_target_that_is_named_exists(text):
    found = {word for line in code(text) for word in re.findall(r"(?:^|&& )make ([a-z][a-z-]*)", line)}
    assert found - TARGETS == set()


@named(PRESENT)
def test_every_command_that_is_named_takes_what_it_is_given(text, monkeypatch):
    monkeypatch.chdir(ROOT)
    refused = []
    for line in code(text):
        for command in re.findall(r"(?:^|&& )python src ([^;&|]+)", line):
            name, *words = shlex.split(command, comments=True)
            if name.isupper() or "..." in words or "--help" in words:
                continue
            try:
                PROGRAM["parsed"](name, words) if words else PROGRAM["KIND_OF"][name]
            except (BadInput, KeyError) as error:
                refused.append(f"{command}: {error}")
    assert refused == []


@named(PRESENT)
def test_every_parameter_that_is_named_exists(text, generated):
    lost, shown = [], set(re.findall(r"^name: (\w+)$", text.read_text(), re.MULTILINE))  # a file that the reader writes
    for line in code(text):
        for key, value in re.findall(r"-S ([a-z][\w.]*)=(\S+)", line):
            choices = {file.stem for file in ROOT.glob(f"conf/{key}/*.yaml")} | (shown if key == "dataset" else set())
            if choices and value.islower() and value not in choices:
                lost.append(f"{key}={value}")
            if not choices and f"| `{key}` |" not in generated["parameters.md"]:
                lost.append(key)
    assert lost == []


def test_the_citation_is_that_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert (citation["version"], citation["license"]) == (sisa.__version__, "MIT")
    assert f"## [{citation['version']}] - {citation['date-released']}" in (ROOT / "CHANGELOG.md").read_text()


def test_the_dataset_card_counts_what_is_on_the_roster():
    card, roster = (ROOT / "docs/dataset-card.md").read_text(), pd.read_csv(ROOT / "data/rosters/animal_mnist.csv")
    assert f"{len(roster):,} distinct images" in card
    for name, count in roster["class"].value_counts().items():
        assert f"| {name} | {count:,} |" in card


def test_the_model_card_counts_the_parameters_of_the_network():
    from sisa.base.params import load
    from sisa.training.networks import build

    params = load(ROOT / "params.yaml")
    network = build(params.train, params.dataset.channels, params.classes)
    count = sum(each.numel() for each in network.parameters())
    assert f"{count:,} parameters" in (ROOT / "docs/model-card.md").read_text()
