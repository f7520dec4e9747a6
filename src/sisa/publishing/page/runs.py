"""The runs that the results page shows: from the scenario/* branches, or from the files in place."""

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePath

import pandas as pd
import yaml

from sisa.base.errors import BadInput
from sisa.publishing import results
from sisa.publishing.page.tables import ENSEMBLES, Run
from sisa.repository.git import git
from sisa.scenarios import branches
from sisa.scenarios.grid import Branch, Scenario

NEEDED = {*results.METRICS, "cost"}
WORKSPACE = "workspace"
PLOTS = {name: f"plots/{name}.csv" for name in ("relearning", *(f"confusion/{state}" for state in ENSEMBLES))}
PLOTS["influence"] = "metrics/influence.csv"


def of_branches() -> list[Run]:
    """By data set, classes, level and number of leaked images. Raises BadInput where branches are not comparable."""
    known = [branch for branch in branches.known().values() if branch.ours]
    found = [
        (branch.scenario, of_branch(branch))
        for dataset in sorted({branch.scenario.dataset for branch in known})
        for branch in branches.comparable([each for each in known if each.scenario.dataset == dataset])
    ]
    found.sort(key=lambda each: (each[0].place[:4], each[1].params["leakage"]["leaked"], each[0].place))
    return [run for _, run in found]


def of_branch(branch: Branch) -> Run:
    scenario = branch.scenario
    files = git("ls-tree", "-r", "--name-only", branch.name, "--", "metrics", "plots").splitlines()
    params = branches.params(branch.name)
    leaked = str(params["leakage"]["leaked"])
    every_copy = [] if scenario.scope == Scenario.scope else ["every copy forgotten"]
    label = [f"{scenario.classes} classes", f"{scenario.leakage} leakage", f"{leaked} leaked", *every_copy]
    return run(
        lambda file: git("show", f"{branch.name}:{file}"),
        files,
        scenario=replace(scenario, seed=Scenario.seed, split_seed=Scenario.split_seed).name,
        label=" · ".join(label),
        short=" · ".join([str(scenario.classes), scenario.leakage, leaked, *every_copy]),
        family=f"{scenario.dataset} {scenario.classes} {scenario.leakage} {scenario.scope} by leaked",
        params=params,
    )


def in_place() -> Run:
    """What the workspace holds; its leakage level has no name."""
    try:
        params = yaml.safe_load(Path("params.yaml").read_text())
        files = [str(file) for folder in (Path("metrics"), Path("plots")) for file in sorted(folder.rglob("*.*"))]
        name = f"{params['classes']} classes · {params['leakage']['leaked']} leaked"
        return run(
            lambda file: Path(file).read_text(),
            files,
            scenario=WORKSPACE,
            label=f"{name} · as in the workspace",
            short=name,
            family="workspace by leaked",
            params=params,
        )
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror}); run in the repository's root") from error


def run(read: Callable[[str], str], files: list[str], **known) -> Run:
    """The run of which these files below metrics/ and plots/ are there to read."""
    metrics = {PurePath(file).stem: json.loads(read(file)) for file in files if file.endswith(".json")}
    if missing := sorted(NEEDED - metrics.keys()):
        raise BadInput(f"{known['scenario']} lacks metrics/{missing[0]}.json; run dvc repro, or make scenarios")
    plots = {name: pd.read_csv(io.StringIO(read(file))) for name, file in PLOTS.items() if file in files}
    return Run(metrics=metrics, plots=plots, **known)
