"""dvc.lock against the files in place: every hash computed again from the bytes, none taken from DVC's own records."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from sisa.errors import BadInput

LOCK = Path("dvc.lock")
MEASURED = ("md5", "size", "nfiles")
IGNORED = {".gitignore", "__pycache__"}  # as .dvcignore has it


def read(path: Path = LOCK) -> dict[str, dict]:
    """The stages in dvc.lock by name. Raises BadInput when it is missing or no lock."""
    try:
        return yaml.safe_load(path.read_text())["stages"]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError) as error:
        raise BadInput(f"{path}: missing or damaged; restore it: git checkout {path}, or run dvc repro") from error


def problems(stage: str, stages: dict[str, dict], params: dict) -> Iterator[str]:
    """What does not agree between a stage's entry and its files and parameters, one line each.

    params: the content of params.yaml. A hash of a file is the MD5 of its bytes, that of a folder the MD5 of the list
    of its files with theirs, as DVC writes them.
    """
    if stage not in stages:
        yield f"{LOCK}: {stage} has no entry; run dvc repro"
        return
    entry = stages[stage]
    if entry.get("cmd") != " ".join(["python src", *stage.split("@")]):
        yield f"{LOCK}: {stage} ran another command, {entry.get('cmd')!r}"
    for key, value in entry.get("params", {}).get("params.yaml", {}).items():
        if value_of(params, key) != value:
            yield f"params.yaml: {key} is not what {stage} ran with"
    for item in [*entry.get("deps", []), *entry.get("outs", [])]:
        path = Path(item["path"])
        if not path.exists():
            yield f"{path}: missing; {stage} read or wrote it"
        elif measured(path) != {key: item.get(key) for key in MEASURED}:
            yield f"{path}: not the bytes that {LOCK} has for {stage}"


def value_of(params: dict, key: str):
    for part in key.split("."):
        params = params.get(part) if isinstance(params, dict) else None
    return params


def measured(path: Path) -> dict:
    """MD5 and size in bytes of a file or folder, and of a folder the number of files, as DVC has them."""
    if path.is_dir():
        listed = listing(path)
        text = json.dumps([{"md5": md5, "relpath": name} for name, (md5, _) in listed.items()], sort_keys=True)
        size = sum(size for _, size in listed.values())
        return {"md5": hashlib.md5(text.encode()).hexdigest() + ".dir", "size": size, "nfiles": len(listed)}
    content = path.read_bytes()
    return {"md5": hashlib.md5(content).hexdigest(), "size": len(content), "nfiles": None}


def listing(folder: Path) -> dict[str, tuple[str, int]]:
    """MD5 and size of every file below a folder, by its path there, in order."""
    files = (path for path in folder.rglob("*") if path.is_file() and not IGNORED & set(path.relative_to(folder).parts))
    found = {}
    for path in sorted(files, key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes()
        found[path.relative_to(folder).as_posix()] = hashlib.md5(content).hexdigest(), len(content)
    return found
