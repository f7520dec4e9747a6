"""What workers are told of this repository's HEAD."""

from dataclasses import dataclass, field
from pathlib import Path

import yaml
from dvc.repo import Repo

from sisa.base.errors import BadInput
from sisa.parallel.environment import environment, pinned
from sisa.repository.git import git


@dataclass(frozen=True)
class Job:
    """What all stages of a run have in common: code, parameters (the text of params.yaml), and the environment.

    `cache` is that of this machine, where no remote is needed; `clones` is the folder for them, the node's own if None.
    """

    url: str
    commit: str
    params: str
    environment: dict[str, str] = field(default_factory=dict)
    cache: str | None = None
    clones: str | None = None


def for_cluster(params: str) -> Job:
    """Raises BadInput where workers could not hand over results, or could not be told what to equal."""
    config = Repo().config
    remote = config["core"].get("remote")
    if not remote:
        raise BadInput(
            "results travel through a DVC remote that all workers reach; add one: dvc remote add -d NAME URL"
        )
    if not config["remote"][remote].get("verify"):
        raise BadInput(f"DVC must hash what comes from the remote: dvc remote modify {remote} verify true")
    precision = yaml.safe_load(params)["train"]["precision"]
    here = environment(pinned(Path("requirements.txt").read_text()), precision)
    return Job(git("remote", "get-url", "origin").strip(), git("rev-parse", "HEAD").strip(), params, here)


def for_machine(params: str, clones: Path) -> Job:
    """With clones in this folder, and this repository's cache."""
    head, cache = git("rev-parse", "HEAD").strip(), Repo().cache.local_cache_dir
    return Job(str(Path().resolve()), head, params, cache=cache, clones=str(clones.resolve()))
