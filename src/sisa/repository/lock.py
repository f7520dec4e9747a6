"""dvc.lock and dvc.yaml: the one reader of both, and whether they agree with the files in place.

For that, every hash is computed again from the bytes, none is taken from DVC.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException
from dvc.repo import Repo
from dvc.stage import PipelineStage, Stage
from pydantic import BaseModel, TypeAdapter

from sisa.base.errors import BadInput

LOCK = Path("dvc.lock")
IGNORED = {".gitignore", "__pycache__"}  # as .dvcignore has it


class File(BaseModel):
    """A file or folder as dvc.lock has it; only a folder has nfiles."""

    path: str
    md5: str | None = None
    size: int | None = None
    nfiles: int | None = None


class Entry(BaseModel):
    """What dvc.lock says that a stage ran with, read and wrote; entries of the run-cache and .dvc files say the same,
    these without a command."""

    cmd: str = ""
    deps: list[File] = []
    outs: list[File] = []
    params: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Declared:
    """What dvc.yaml says that a stage runs with, reads and writes; the parameters of each file with their values.

    needs: the stages and .dvc files that it reads from; in_git: whether it leaves results to Git.
    """

    cmd: str | None
    deps: set[str]
    outs: set[str]
    params: dict[str, dict[str, Any]]
    needs: set[str]
    in_git: bool


def load(text: str | bytes) -> dict:
    """The content of a dvc.lock, a .dvc file or an entry of the run-cache. Raises ValueError where it is none."""
    try:
        content = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ValueError("no YAML") from error
    if not isinstance(content, dict):
        raise ValueError("neither a lock nor a .dvc file")
    return content


def content(folder: Path = Path()) -> dict:
    """The whole content of the dvc.lock in a folder; an empty one where there is none."""
    try:
        return load((folder / LOCK).read_bytes())
    except FileNotFoundError:
        return {"schema": "2.0", "stages": {}}


def parsed(text: str | bytes) -> dict[str, Entry]:
    """The stages in the text of a dvc.lock by name. Raises ValueError when it is none."""
    return TypeAdapter(dict[str, Entry]).validate_python(load(text).get("stages"))


def read() -> dict[str, Entry]:
    """The stages in dvc.lock by name. Raises BadInput when it is missing or no lock."""
    try:
        return parsed(LOCK.read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{LOCK}: missing or damaged; restore it: git checkout {LOCK}, or run dvc repro") from error


def changed() -> set[str]:
    """The stages and .dvc files that are not as dvc.lock has them. Raises BadInput in DVC's words."""
    try:
        with Repo() as repo:
            return set(repo.status())
    except DvcException as error:
        raise BadInput(f"dvc status fails: {' '.join(str(error).split())}; mend that first") from error


def declared(folder: Path = Path()) -> dict[str, Declared]:
    """The stages of a folder's dvc.yaml and the .dvc files that they read, by name. Raises BadInput in DVC's words."""
    try:
        with Repo(str(folder)) as repo:
            graph = repo.index.graph
            stages = {stage for stage in graph if stage.path_in_repo == "dvc.yaml"}
            nodes = stages | {needed for stage in stages for needed in graph.successors(stage)}
            return {name_of(node): declaration(node, {*map(name_of, graph.successors(node))}) for node in nodes}
    except DvcException as error:
        raise BadInput(f"dvc.yaml: {' '.join(str(error).split())}") from error


def name_of(node: Stage) -> str:
    """As DVC is told it in the root of a repository: a stage, or a .dvc file."""
    return node.name if isinstance(node, PipelineStage) else node.path_in_repo


def declaration(node: Stage, needs: set[str]) -> Declared:
    deps = {dep.def_path for dep in node.deps if not isinstance(dep, ParamsDependency)}
    params = {dep.def_path: values_of(dep) for dep in node.deps if isinstance(dep, ParamsDependency)}
    in_git = not all(out.use_cache for out in node.outs)
    return Declared(node.cmd, deps, {out.def_path for out in node.outs}, params, needs, in_git)


def values_of(file: ParamsDependency) -> dict[str, Any]:
    values = file.read_params()
    return {name: values.get(name) for name in file.params or values}  # no names: all of it


def problems(entries: dict[str, Entry], stages: dict[str, Declared], stage: str) -> Iterator[str]:
    """What does not agree between a stage's entry, its declaration, its files and the content of params.yaml.

    One line each. A hash of a file is the MD5 of its bytes, that of a folder the MD5 of the list of its files with
    theirs, as DVC writes them.
    """
    entry, wanted = entries.get(stage), stages[stage]
    if entry is None:
        yield f"{LOCK}: {stage} has no entry; run dvc repro"
        return
    ran_with, values = (params.get("params.yaml", {}) for params in (entry.params, wanted.params))
    listed = {file.path for file in entry.deps}, {file.path for file in entry.outs}, set(ran_with)
    if (entry.cmd, *listed) != (wanted.cmd, wanted.deps, wanted.outs, set(values)):
        yield f"{LOCK}: the entry of {stage} does not have the command, deps, outs and params of dvc.yaml"
    for key, value in ran_with.items():
        if key in values and values[key] != value:
            yield f"params.yaml: {key} is not what {stage} ran with"
    for file in [*entry.deps, *entry.outs]:
        path = Path(file.path)
        if not path.exists():
            yield f"{path}: missing; {stage} read or wrote it"
        elif measured(path) != file:
            yield f"{path}: not the bytes that {LOCK} has for {stage}"


def measured(path: Path) -> File:
    """A file or folder as DVC would write it into dvc.lock."""
    if not path.is_dir():
        content = path.read_bytes()
        return File(path=str(path), md5=md5_of(content), size=len(content))
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    files = {name: measured(path / name) for name in names if not IGNORED & set(name.split("/"))}
    listing = json.dumps([{"md5": file.md5, "relpath": name} for name, file in files.items()], sort_keys=True)
    size = sum(file.size for file in files.values())
    return File(path=str(path), md5=f"{md5_of(listing.encode())}.dir", size=size, nfiles=len(files))


def md5_of(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
