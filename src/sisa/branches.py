"""The scenario/* branches of this repository: which there are, and what they hold."""

import json

import pandas as pd
import yaml

from sisa import response, results
from sisa.common import paths
from sisa.common.errors import BadInput
from sisa.git import git
from sisa.scenarios import FORMAT, PREFIX, Branch, parsed, settings

PIPELINES = ("dvc", "attacks/dvc")


def known() -> dict[str, Branch]:
    """The branches by name."""
    return parsed(git("for-each-ref", f"--format={FORMAT}", f"refs/heads/{PREFIX}"))


def params(branch: str) -> dict:
    return yaml.safe_load(git("show", f"{branch}:params.yaml"))


def changed_inputs(old: str, new: str, dataset: str) -> list[str]:
    """The files in Git that differ between two revisions, of those that the stages of `old` depend on."""
    deps = set()
    for pipeline in PIPELINES:
        lock = yaml.load(git("show", f"{old}:{pipeline}.lock"), Loader=yaml.CSafeLoader)
        deps |= {dep["path"] for stage in lock["stages"].values() for dep in stage["deps"]}
    named = [*(f"{pipeline}.yaml" for pipeline in PIPELINES), f"{paths.raw(dataset)}.dvc", *sorted(deps)]
    return git("diff", "--name-only", old, new, "--", *named).splitlines()


def tables(branches: list[Branch]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The result rows of these branches of one data set, and what each says of the leakage response.

    Raises BadInput where they are not comparable.
    """
    branches = sorted(branches, key=lambda branch: branch.scenario.place)
    check_comparable(branches)
    scores, responses = [], []
    for each in branches:
        if each.scenario.leaked is None:
            scores.append(results.keyed(each.scenario, results.rows(metrics(each, results.METRICS))))
        leaked = params(each.name)["leakage"]["leaked"]
        said = pd.DataFrame([response.row(metrics(each, response.METRICS), leaked)])
        responses.append(results.keyed(each.scenario, said))
    return tuple(pd.concat(parts, ignore_index=True) if parts else pd.DataFrame() for parts in (scores, responses))


def check_comparable(branches: list[Branch]) -> None:
    """Raises BadInput where two of them ran with different code, data or recipes."""
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


def metrics(branch: Branch, names: tuple[str, ...]) -> dict[str, dict]:
    return {name: json.loads(git("show", f"{branch.name}:metrics/{name}.json")) for name in names}
