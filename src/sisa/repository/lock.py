"""dvc.lock against dvc.yaml and the files in place: every hash computed again from the bytes, none taken from DVC."""

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
from pydantic import BaseModel, TypeAdapter, ValidationError

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
    """What dvc.lock says that a stage ran with, read and wrote."""

    cmd: str
    deps: list[File] = []
    outs: list[File] = []
    params: dict[str, dict[str, Any]] = {}


@dataclass(frozen=True)
class Declared:
    """What dvc.yaml says that a stage runs with, reads and writes."""

    cmd: str
    deps: set[str]
    outs: set[str]
    params: set[str]


def read(path: Path = LOCK) -> dict[str, Entry]:
    """The stages in dvc.lock by name. Raises BadInput when it is missing or no lock."""
    try:
        return TypeAdapter(dict[str, Entry]).validate_python(yaml.safe_load(path.read_text())["stages"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValidationError) as error:
        raise BadInput(f"{path}: missing or damaged; restore it: git checkout {path}, or run dvc repro") from error


def declared() -> dict[str, Declared]:
    """The stages of dvc.yaml by name, with params.yaml filled in. Raises BadInput when DVC cannot read it."""
    try:
        stages = Repo().index.stages
    except DvcException as error:
        raise BadInput(f"dvc.yaml: {' '.join(str(error).split())}") from error
    result = {}
    for stage in stages:
        files = [dep for dep in stage.deps if isinstance(dep, ParamsDependency)]
        params = {name for file in files for name in file.params or file.read_params()}  # no names: all of it
        deps = {dep.def_path for dep in stage.deps if not isinstance(dep, ParamsDependency)}
        result[stage.addressing] = Declared(stage.cmd, deps, {out.def_path for out in stage.outs}, params)
    return result


def problems(entries: dict[str, Entry], stages: dict[str, Declared], params: dict, stage: str) -> Iterator[str]:
    """What does not agree between a stage's entry, its declaration, its files and the content of params.yaml.

    One line each. A hash of a file is the MD5 of its bytes, that of a folder the MD5 of the list of its files with
    theirs, as DVC writes them.
    """
    entry, wanted = entries.get(stage), stages[stage]
    if entry is None:
        yield f"{LOCK}: {stage} has no entry; run dvc repro"
        return
    ran_with = entry.params.get("params.yaml", {})
    listed = {file.path for file in entry.deps}, {file.path for file in entry.outs}, set(ran_with)
    if (entry.cmd, *listed) != (wanted.cmd, wanted.deps, wanted.outs, wanted.params):
        yield f"{LOCK}: the entry of {stage} does not have the command, deps, outs and params of dvc.yaml"
    for key, value in ran_with.items():
        if value_of(params, key) != value:
            yield f"params.yaml: {key} is not what {stage} ran with"
    for file in [*entry.deps, *entry.outs]:
        path = Path(file.path)
        if not path.exists():
            yield f"{path}: missing; {stage} read or wrote it"
        elif measured(path) != file:
            yield f"{path}: not the bytes that {LOCK} has for {stage}"


def value_of(params: dict, key: str):
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def measured(path: Path) -> File:
    """A file or folder as DVC would write it into dvc.lock."""
    if path.is_dir():
        files = listing(path)
        text = json.dumps([{"md5": md5, "relpath": name} for name, (md5, _) in files.items()], sort_keys=True)
        size = sum(size for _, size in files.values())
        return File(path=str(path), md5=f"{md5_of(text.encode())}.dir", size=size, nfiles=len(files))
    content = path.read_bytes()
    return File(path=str(path), md5=md5_of(content), size=len(content))


def listing(folder: Path) -> dict[str, tuple[str, int]]:
    """MD5 and size of every file below a folder, by its path there, in order."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    contents = {name: (folder / name).read_bytes() for name in names if not IGNORED & set(name.split("/"))}
    return {name: (md5_of(content), len(content)) for name, content in contents.items()}


def md5_of(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()
