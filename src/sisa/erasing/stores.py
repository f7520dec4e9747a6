"""Where objects lie: DVC's cache and every remote in its configuration, with their run-caches; and the workspace."""

import hashlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.repo import Repo
from dvc_data.hashfile.db import HashFileDB, get_index

from sisa.common.errors import BadInput
from sisa.git import git

WORKSPACE = "workspace"
CACHE = "cache"
FOLDERS = ("data", "models", "plots", "dvc_plots", ".dvc/tmp")  # where stages, DVC and `make scenarios` write
JOURNALS = ".dvc/tmp/erase"


@dataclass(frozen=True)
class Place:
    """A file in a store: its path below the store's root, its size in bytes, and its MD5 (hex) where the path says it."""

    path: str
    size: int
    md5: str | None


@dataclass(frozen=True)
class Store:
    """A folder of objects, here or elsewhere: `fs` is fsspec's file system, `database` what DVC knows it by."""

    name: str
    fs: Any
    root: str
    database: HashFileDB | None = None

    def places(self) -> list[Place]:
        """Every file in it. Raises BadInput where the store cannot be reached."""
        try:
            self.fs.invalidate_cache()
            found = self.fs.find(self.root, detail=True) if self.fs.exists(self.root) else {}
        except Exception as error:
            raise BadInput(f"{self.name}: cannot be reached ({reason(error)}); nothing was changed") from error
        names = {os.path.relpath(path, self.root): each["size"] for path, each in found.items()}
        return [Place(path, size, md5_of_path(path)) for path, size in sorted(names.items())]

    def read(self, path: str) -> bytes:
        return self.fs.cat_file(f"{self.root}/{path}")

    def remove(self, path: str) -> None:
        """Also where it is gone already. Raises BadInput where the store refuses."""
        try:
            self.fs.rm_file(f"{self.root}/{path}")
        except FileNotFoundError:
            pass
        except Exception as error:
            raise BadInput(f"{self.name}: {path} cannot be deleted ({reason(error)}); mend it and repeat") from error

    def check_writable(self) -> None:
        """Raises BadInput unless a file can be put there and deleted again."""
        probe = f"{self.root}/files/probe-{uuid.uuid4().hex}"
        try:
            self.fs.makedirs(self.fs._parent(probe), exist_ok=True)
            self.fs.pipe_file(probe, b"")
            self.fs.rm_file(probe)
        except Exception as error:
            raise BadInput(f"{self.name}: cannot be written ({reason(error)}); nothing was changed") from error

    def forget_index(self) -> None:
        """Drop DVC's own list of what is there, or it would not push again what was deleted."""
        if self.database is not None:
            get_index(self.database).clear()

    def keeps_versions(self) -> bool:
        """Whether the bucket keeps deleted objects as earlier versions."""
        ask = getattr(self.fs, "is_bucket_versioned", None)
        return bool(ask and ask(self.root.split("/")[0]))


class Workspace(Store):
    """The files that Git does not track, in the folders where the pipeline writes."""

    def places(self) -> list[Place]:
        tracked = set(git("ls-files", "-z", "--", *FOLDERS).split("\0"))
        return [
            Place(name, path.stat().st_size, md5(path.read_bytes()))
            for path in walk()
            if (name := path.as_posix()) not in tracked and not name.startswith(JOURNALS)
        ]


def walk() -> Iterator[Path]:
    for folder in FOLDERS:
        yield from (path for path in sorted(Path(folder).rglob("*")) if path.is_file() and not path.is_symlink())


def everywhere(repo: Repo) -> list[Store]:
    """The workspace, the cache, and each remote of DVC's configuration."""
    cache, local = repo.cache.local, repo.cache.legacy
    stores = [Workspace(WORKSPACE, local.fs.fs, "."), Store(CACHE, local.fs.fs, local.path, cache)]
    for name in sorted(repo.config["remote"]):
        try:
            remote = repo.cloud.get_remote(name)
            stores.append(Store(f"remote {name}", remote.fs.fs, remote.path.rstrip("/"), remote.odb))
        except Exception as error:
            raise BadInput(f"remote {name}: cannot be reached ({reason(error)}); nothing was changed") from error
    return stores


def md5_of_path(path: str) -> str | None:
    """The MD5 in the path of an object, as DVC 3 and DVC 2 write it; None for entries of the run-cache."""
    *outer, folder, name = ["", "", *path.split("/")]
    return f"{folder}{name}" if outer[-2:] in (["files", "md5"], ["", ""]) and len(folder) == 2 else None


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
