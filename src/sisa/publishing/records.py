"""The published runs: results/runs/SCENARIO.zip has params.yaml, metrics/ and plots/confusion of a scenario/* branch.

They are in Git, so that every table can be made again from a clone, without the branches and without training.
"""

import json
import zipfile
import zlib
from dataclasses import asdict, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path

import yaml

from sisa.base.errors import BadInput
from sisa.base.files import beside
from sisa.publishing.runs import Run, run
from sisa.repository.git import git, git_bytes
from sisa.scenarios import branches
from sisa.scenarios.grid import BY_CLASS, Branch, Scenario, settings

FOLDER = Path("results/runs")
SCENARIO, PARAMS = "scenario.json", "params.yaml"
KEPT = ("metrics", "plots/confusion")
EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a ZIP file can say: the same run gives the same bytes


def collect() -> None:
    """Keep the run of each branch that is as it was committed. Raises BadInput where two are not comparable."""
    by_dataset = attrgetter("scenario.dataset")
    known = sorted((branch for branch in branches.known().values() if branch.ours), key=by_dataset)
    for _, same in groupby(known, by_dataset):
        for branch in branches.comparable([*same]):
            keep(branch)


def keep(branch: Branch) -> None:
    files = git("ls-tree", "-r", "--name-only", branch.name, "--", *KEPT).splitlines()
    with beside(FOLDER / f"{branch.scenario.name}.zip") as part, zipfile.ZipFile(part, "w") as archive:
        put(archive, SCENARIO, json.dumps(asdict(branch.scenario)).encode())
        for file in (PARAMS, *files):
            put(archive, file, git_bytes("show", f"{branch.name}:{file}"))


def put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, EARLIEST), content, zipfile.ZIP_DEFLATED, 9)


def read() -> list[Run]:
    """The runs that are kept, by data set, classes, level and number of leaked images.

    Raises BadInput where a file is damaged or has another run's name, or where two runs of a data set differ in what
    must not differ.
    """
    found, common = [read_one(file) for file in sorted(FOLDER.glob("*.zip"))], {}
    for each in found:
        for key, value in settings(each.choices, each.params).items():
            first = common.setdefault((each.dataset, key), each)
            if settings(first.choices, first.params)[key] != value:
                two = f"{FOLDER}/{each.choices.name}.zip and {FOLDER}/{first.choices.name}.zip"
                raise BadInput(f"{two} differ in {key}, so that they are not comparable; delete the older")
    return sorted(found, key=lambda each: (each.choices.place[:5], each.leaked, each.choices.place))


def read_one(file: Path) -> Run:
    try:
        with zipfile.ZipFile(file) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        scenario = Scenario(**json.loads(contents.pop(SCENARIO)))
        if file.stem != scenario.name:
            raise BadInput(
                f"{file} holds the run {scenario.name}, which no table may count twice; delete it, or rename it"
            )
        params = yaml.load(contents.pop(PARAMS), Loader=yaml.CSafeLoader)
        return run(contents.__getitem__, [*contents], params=params, choices=scenario, **told(scenario, params))
    except (
        OSError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        KeyError,
        ValueError,
        TypeError,
        yaml.YAMLError,
    ) as error:
        raise BadInput(f"{file}: damaged; bring it back: git checkout {file}") from error


def told(scenario: Scenario, params: dict) -> dict:
    """What a run is called: `Run.scenario`, `label`, `short` and `family`."""
    leaked = params["leakage"]["leaked"]
    shards = "" if scenario.sharding == BY_CLASS else f" · {scenario.sharding} shards"
    as_kind = "" if scenario.kind == Scenario.kind else f" · as {scenario.kind}"
    further = as_kind if scenario.scope == Scenario.scope else f" · every copy forgotten{as_kind}"
    family = f"{scenario.dataset} {scenario.classes}{shards} {scenario.leakage} {scenario.scope}{as_kind} by leaked"
    return {
        "scenario": replace(scenario, run=Scenario.run).name,
        "label": f"{scenario.classes} classes{shards} · {scenario.leakage} leakage · {leaked} leaked{further}",
        "short": f"{scenario.classes}{shards} · {scenario.leakage} · {leaked}{further}",
        "family": family,
    }
