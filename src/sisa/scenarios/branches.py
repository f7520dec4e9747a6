"""The scenario/* branches of this repository: which there are, and what they hold."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import yaml

from sisa.attacks.areas import Attacked
from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.repository.git import GitError, git
from sisa.scenarios.grid import FORMAT, PREFIX, SEEDS, Branch, Scenario, parsed, settings


def known() -> dict[str, Branch]:
    """The branches by name."""
    return parsed(git("for-each-ref", f"--format={FORMAT}", f"refs/heads/{PREFIX}"))


def params(branch: str) -> dict:
    return yaml.safe_load(git("show", f"{branch}:params.yaml"))


def changed_inputs(old: str, new: str, dataset: str) -> list[str]:
    """The files in Git that differ between two revisions, of those that the stages of `old` depend on."""
    lock = yaml.load(git("show", f"{old}:dvc.lock"), Loader=yaml.CSafeLoader)
    deps = {dep["path"] for stage in lock["stages"].values() for dep in stage["deps"]}
    named = ["dvc.yaml", f"{paths.raw(dataset)}.dvc", *sorted(deps)]
    return git("diff", "--name-only", old, new, "--", *named).splitlines()


Rows = Callable[[dict[str, dict]], list[dict]]


def table(branches: list[Branch], names: tuple[str, ...], rows: Rows) -> pd.DataFrame:
    """The rows that the metrics of these names make in each branch, with what it is called in front."""
    each = [keyed(branch.scenario, pd.DataFrame(rows(metrics(branch, names)))) for branch in branches]
    return pd.concat(each, ignore_index=True) if each else pd.DataFrame()


def comparable(branches: list[Branch]) -> list[Branch]:
    """The branches in the order of a table. Raises BadInput where two ran with different code, data or recipes."""
    branches = sorted(branches, key=lambda branch: branch.scenario.place)
    first, common = branches[0], {}
    for branch in branches:
        different = changed_inputs(first.name, branch.name, branch.scenario.dataset)
        for key, value in settings(branch.scenario, params(branch.name)).items():
            different += [key] if common.setdefault(key, value) != value else []
        if different:
            raise BadInput(
                f"{branch.name} and {first.name} are not comparable, they differ in {', '.join(different)}; "
                "run the older again (make scenarios), or delete it (git branch -D)"
            )
    return branches


def metrics(branch: Branch, names: tuple[str, ...]) -> dict[str, dict]:
    """The content of metrics/NAME.json of each name, and of params.yaml as `params`."""
    found = {name: json.loads(git("show", f"{branch.name}:metrics/{name}.json")) for name in names}
    return found | {"params": params(branch.name)}


def attacked(branch: Branch) -> Attacked:
    """Raises BadInput where the branch is of a version that did not keep what intervals are made of."""
    try:
        influence = io.StringIO(git("show", f"{branch.name}:metrics/influence.csv"))
    except GitError as error:
        raise BadInput(f"{branch.name} has no metrics/influence.csv; run it again: make scenarios") from error
    return Attacked(metrics(branch, ("attacks",))["attacks"], pd.read_csv(influence, index_col="image"))


def over_runs(branches: list[Branch], rows: Callable[[list[Attacked]], list[dict]]) -> pd.DataFrame:
    """The rows that the runs of each scenario make together, those of split_seed 0, which share their images."""
    runs: dict[Scenario, list[Attacked]] = {}
    for branch in branches:
        if branch.scenario.split_seed == Scenario.split_seed:
            runs.setdefault(replace(branch.scenario, seed=Scenario.seed), []).append(attacked(branch))
    each = [keyed(scenario, pd.DataFrame(rows(same))).drop(columns=list(SEEDS)) for scenario, same in runs.items()]
    return pd.concat(each, ignore_index=True) if each else pd.DataFrame()


def keyed(scenario: Scenario, table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a scenario with what it is called in front."""
    keys = {name: getattr(scenario, name) for name in ("dataset", "classes", "leakage", "scope", *SEEDS)}
    return pd.concat([pd.DataFrame(keys, index=table.index), table], axis=1)
