"""Where bytes of images can lie: the workspace, DVC's cache, and each configured remote; by way of DVC's file systems.

A key is a path below a store's root, with slashes. DVC keeps an object at files/md5/AB/REST of its hash, 2.x kept it
at AB/REST, and runs/ is the run-cache.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.fs import LocalFileSystem
from dvc.repo import Repo
from fsspec.spec import AbstractBufferedFile

from sisa.base.errors import BadInput
from sisa.repository.git import git_bytes

OURS = WORKSPACE, CACHE = "workspace", "cache"
TMP = Path(".dvc/tmp")
OWN = TMP / "erasing"  # the journal of a removal
WRITTEN = ["data", "models", "plots", "metrics", "results", "dvc_plots"]  # folders that stages and commands write
OBJECT = re.compile(r"(?:files/md5/)?([0-9a-f]{2})/([0-9a-f]{30}(?:\.dir)?)")
LEGACY_FOLDER = re.compile(r"[0-9a-f]{2}")


@dataclass(frozen=True)
class Blob:
    """A file in a store: its key, its size in bytes, and the hash that its content goes by, in every store the same."""

    key: str
    size: int
    hash: str


class Unreachable(BadInput):
    """A store that cannot be looked into or written, and why, in one line."""


class Store:
    """The cache or a remote. Every method raises Unreachable, in one line, when the store does not answer."""

    def __init__(self, name: str, fs: Any, root: str):
        self.name, self.fs, self.root = name, fs, root

    def __repr__(self) -> str:
        return f"Store({self.name})"

    def blobs(self) -> list[Blob]:
        """What is stored in DVC's layout, half-uploaded files included; other content of a bucket is not ours."""
        with self.answering("looked into"):
            self.must_exist()
            tops = [self.fs.name(path) for path in self.listed(self.root)]
            ours = [name for name in tops if name in {"files", "runs", "fs"} or LEGACY_FOLDER.fullmatch(name)]
            return [blob for name in sorted(ours) for blob in self.below(name)]

    def read(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """The bytes from `start` to `end`, where a remote can without reading the rest."""
        with self.answering(f"read at {key}"):
            path = self.fs.join(self.root, key)
            if self.is_bucket:
                return self.fs.fs.cat_file(path, start=start or None, end=end)
            with self.fs.open(path, "rb") as file:
                file.seek(start)
                return file.read(-1 if end is None else end - start)

    def delete(self, keys: list[str]) -> None:
        """Delete these files; one that is gone already is no error."""
        with self.answering("written"):
            paths = [self.fs.join(self.root, key) for key in keys]
            if self.is_bucket:
                self.fs.fs.rm(paths)  # a thousand a request
                return
            for path in paths:
                with suppress(FileNotFoundError):
                    self.fs.remove(path)

    def check_writable(self) -> None:
        """Write a file and delete it again, also one that a stopped call left."""
        with self.answering("written"):
            self.must_exist()
            probe = self.fs.join(self.root, "files", ".probe")
            self.fs.makedirs(self.fs.parent(probe), exist_ok=True)
            try:
                self.fs.pipe_file(probe, b"?")
            finally:
                if self.fs.exists(probe):  # empty, where the disk is full
                    self.fs.remove(probe)

    def keeps_versions(self) -> bool | None:
        """Whether deleted bytes stay behind as versions in the bucket; None: it does not say."""
        if not self.is_bucket:
            return False
        try:
            answer = self.fs.fs.call_s3("get_bucket_versioning", Bucket=self.root.split("/")[0])
        except Exception:  # not allowed to ask
            return None
        return answer.get("Status") in {"Enabled", "Suspended"}

    @property
    def is_bucket(self) -> bool:
        return self.fs.protocol == "s3"

    def must_exist(self) -> None:
        if self.is_bucket:
            self.fs.fs.ls(self.root.split("/")[0], refresh=True)
        elif self.name != CACHE and not self.fs.isdir(self.root):
            raise FileNotFoundError(f"{self.root} is no folder")

    def listed(self, path: str) -> list[str]:
        try:
            return list(self.fs.ls(path, detail=False))
        except FileNotFoundError:
            return []  # a bucket or cache without any object

    def below(self, name: str) -> Iterator[Blob]:
        top = self.fs.join(self.root, name)
        for path, info in self.fs.fs.find(top, detail=True).items() if self.is_bucket else self.walked(top):
            key = path[len(self.root) :].replace(os.sep, "/").strip("/")
            yield Blob(key, info["size"], self.hash_of(key))

    def hash_of(self, key: str) -> str:
        """What a key stands for: a hash, or an entry of the run-cache; the rest goes by where it lies."""
        if match := OBJECT.fullmatch(key):
            return match[1] + match[2]
        return key if key.startswith("runs/") else f"{self.name}/{key}"

    def walked(self, top: str) -> Iterator[tuple[str, dict]]:
        for folder, _, files in self.fs.walk(top, detail=True):
            yield from ((self.fs.join(folder, name), info) for name, info in files.items())

    def answering(self, what: str) -> AbstractContextManager:
        return answering(f"{'the ' if self.name in OURS else 'remote '}{self.name}", what)


@contextmanager
def answering(store: str, what: str) -> Iterator[None]:
    """Turns whatever a file system raises into one line of ours; each plugin has errors of its own."""
    try:
        yield
    except (BadInput, AttributeError, NameError, TypeError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise Unreachable(f"{store} cannot be {what} ({reason[:200]}); see to that, then repeat") from error


class Workspace(Store):
    """The files that Git does not track where stages write, and all that DVC and interrupted runs left in .dvc/tmp."""

    def __init__(self):
        super().__init__(WORKSPACE, LocalFileSystem(), "")

    def blobs(self) -> list[Blob]:
        untracked = git_bytes("ls-files", "--others", "-z", "--", *WRITTEN).split(b"\0")
        found = [*(Path(os.fsdecode(name)) for name in untracked if name), *self.leftovers()]
        with self.answering("looked into"):
            return [Blob(path.as_posix(), path.stat().st_size, md5(path)) for path in found if path.is_file()]

    def check_writable(self) -> None:
        for folder in filter(os.path.isdir, WRITTEN):
            if not os.access(folder, os.W_OK):
                raise Unreachable(f"{folder}/ cannot be written; see to its permissions, then repeat")

    def leftovers(self) -> Iterator[Path]:
        for folder, folders, files in os.walk(TMP):
            folders[:] = [name for name in folders if name != ".git" and Path(folder, name) != OWN]
            yield from (Path(folder, name) for name in files)


def md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def is_leftover(blob: Blob) -> bool:
    """Whether an interrupted run left this file: nothing needs it."""
    names = blob.key.split("/")
    return blob.key.startswith(f"{TMP}/") or blob.key.endswith(".part") or any(n.startswith(".partial-") for n in names)


def every(local: bool = False) -> list[Store]:
    """The workspace and the cache, and unless `local` each remote that `dvc config` knows.

    Raises Unreachable where a remote's settings are not enough to speak to it.
    """
    repo = Repo()
    stores = [Workspace(), Store(CACHE, repo.cache.local.fs, repo.cache.local_cache_dir)]
    return stores if local else stores + [remote(repo, name) for name in sorted(repo.config["remote"])]


def remote(repo: Repo, name: str) -> Store:
    with answering(f"remote {name}", "used"):
        found = repo.cloud.get_remote(name)
        if found.worktree or found.fs.version_aware:
            raise Unreachable(f"remote {name} keeps files by name and version, not as DVC objects: look there by hand")
        return Store(name, found.fs, found.path)


class Reading(AbstractBufferedFile):
    """A blob as a file that is read in parts, each a request, except for a head that is there already."""

    def __init__(self, store: Store, blob: Blob, head: bytes):
        super().__init__(None, blob.key, cache_type="none", size=blob.size)
        self.store, self.head = store, head

    def _fetch_range(self, start: int, end: int) -> bytes:
        end = min(end, self.size)
        return self.head[start:end] if end <= len(self.head) else self.store.read(self.path, start, end)
