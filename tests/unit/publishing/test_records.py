"""A run comes back from its file as it was on its branch, and a file that is no run is named."""

import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml

from sisa.base.errors import BadInput
from sisa.publishing import records, runs
from sisa.scenarios.grid import Branch, Scenario


@pytest.fixture
def kept(monkeypatch, attacked, tmp_path):
    """The committed run, attacked, on a branch, and its file."""
    monkeypatch.chdir(shutil.copytree(attacked, tmp_path / "repo"))
    for command in (["init", "--quiet", "--initial-branch=main"], ["add", "."], ["commit", "--quiet", "-m", "Run"]):
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run(["git", *identity, *command], check=True)
    records.keep(Branch("main", "", "", "", Scenario(5, "high")))
    return Path("results/runs/5-high.zip")


def test_a_run_comes_back_as_it_was(kept):
    (read,), here = records.read(), runs.in_place()
    assert (read.params, read.metrics, read.attacked.keys()) == (here.params, here.metrics, here.attacked.keys())
    assert read.plots.keys() == here.plots.keys()
    assert (read.scenario, read.short) == ("5-high", "5 · high · 50")


def test_the_same_run_gives_the_same_bytes(kept):
    before = kept.read_bytes()
    records.keep(Branch("main", "", "", "", Scenario(5, "high")))
    assert kept.read_bytes() == before


def test_runs_of_one_scenario_have_one_name(kept):
    records.keep(Branch("main", "", "", "", Scenario(5, "high", run=3)))
    assert [run.scenario for run in records.read()] == ["5-high", "5-high"]
    assert [run.choices.run for run in records.read()] == [0, 3]


def test_a_run_of_before_there_was_a_choice_of_sharding_has_a_shard_a_class(kept):
    params = yaml.safe_load(Path("params.yaml").read_text())
    del params["sharding"]
    Path("params.yaml").write_text(yaml.safe_dump(params))
    with zipfile.ZipFile(kept) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents |= {"scenario.json": b'{"classes": 5, "leakage": "high"}', "params.yaml": yaml.safe_dump(params).encode()}
    with zipfile.ZipFile(kept, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    (read,) = records.read()
    assert (read.sharding, read.choices.sharding, read.short) == ("classes", "classes", "5 · high · 50")


def test_a_run_of_random_shards_says_so_and_is_of_another_family(kept):
    records.keep(Branch("main", "", "", "", Scenario(5, "none", sharding="iid")))
    by_class, random = sorted(records.read(), key=lambda run: run.scenario)
    assert (random.scenario, random.short) == ("5-none-iid", "5 · iid shards · none · 50")
    assert "iid shards" in random.label
    assert random.family != by_class.family


def test_a_damaged_file_is_named_with_what_to_do(kept):
    kept.write_bytes(kept.read_bytes()[:1000])
    with pytest.raises(BadInput, match=r"results/runs/5-high\.zip: damaged; bring it back: git checkout"):
        records.read()


def test_a_file_with_damage_inside_is_named_too(kept):
    """The list of its contents at its end is whole."""
    content = bytearray(kept.read_bytes())
    for place in range(60, len(content) // 2):
        content[place] = 255
    kept.write_bytes(content)
    with pytest.raises(BadInput, match=r"results/runs/5-high\.zip: damaged"):
        records.read()


def test_a_copy_of_a_file_is_not_a_second_run(kept):
    shutil.copy(kept, kept.with_name("5-high-copy.zip"))
    with pytest.raises(BadInput, match=r"5-high-copy\.zip holds the run 5-high, .* delete it, or rename it"):
        records.read()


def test_runs_that_differ_in_the_recipe_are_not_put_in_one_table(kept):
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("batch_size: 16", "batch_size: 32"))
    subprocess.run(["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qam", "x"], check=True)
    records.keep(Branch("main", "", "", "", Scenario(5, "high", run=1)))
    with pytest.raises(BadInput, match=r"5-high\.zip and results/runs/5-high-run1\.zip differ in train"):
        records.read()
