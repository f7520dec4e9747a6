"""The scenario/* branches of this repository: which there are, with what they were run, and which can be compared."""

from functools import cache

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.repository import lock
from sisa.repository.git import git
from sisa.scenarios.grid import FORMAT, PREFIX, Branch, parsed, settings


def known() -> dict[str, Branch]:
    """The branches by name."""
    return parsed(git("for-each-ref", f"--format={FORMAT}", f"refs/heads/{PREFIX}"))


def params(branch: str) -> dict:
    """The content of params.yaml on a branch."""
    return content(branch, "params.yaml")


def content(revision: str, file: str) -> dict:
    """Of a YAML file at a revision; not to be changed, for it is parsed once. Raises GitError where it is not there."""
    return parsed_blob(git("rev-parse", f"{revision}:{file}").strip())


@cache
def parsed_blob(blob: str) -> dict:
    return lock.load(git("cat-file", "blob", blob))


def changed_inputs(old: str, new: str, dataset: str) -> list[str]:
    """What makes a run of `old` differ from one of `new`: the files that its stages depend on, and dvc.yaml.

    Of dvc.yaml only what stages do counts: not their descriptions, comments, or the plots of all.
    """
    deps = {dep["path"] for stage in content(old, "dvc.lock")["stages"].values() for dep in stage["deps"]}
    named = [f"{paths.raw(dataset)}.dvc", *sorted(deps)]
    different = ["dvc.yaml"] if stages(old) != stages(new) else []
    return different + git("diff", "--name-only", old, new, "--", *named).splitlines()


def stages(revision: str) -> dict[str, dict]:
    """The stages of dvc.yaml without their descriptions; those of a `foreach` stand in its `do`."""
    stages = content(revision, "dvc.yaml")["stages"]
    repeated = {name: {"do": stage["do"] | {"desc": ""}} for name, stage in stages.items() if "do" in stage}
    return {name: stage | {"desc": ""} | repeated.get(name, {}) for name, stage in stages.items()}


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
