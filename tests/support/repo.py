"""A repository of the experiment, and the commands in it: as people type them, or faster in the process of the test."""

import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd
import yaml
from dvc.cli import main as dvc
from dvc.utils.hydra import compose_and_dump
from filelock import FileLock
from support.inside import inside

ROOT = Path(__file__).parents[2]
LINKED = (".dvc/cache", ".git/objects")  # whose files are only ever replaced, so that copies may share them


@dataclass(frozen=True)
class Outcome:
    """What a command left behind: its exit code and all that it printed."""

    code: int
    printed: str

    @property
    def executed(self) -> list[str]:
        """The stages that DVC ran, in order, but for `validate`, which any new parameter runs."""
        return [stage for stage in re.findall(r"Running stage '([^']+)'", self.printed) if stage != "validate"]

    @property
    def complaint(self) -> str:
        """The one line of ours that says what is wrong."""
        assert "Traceback" not in self.printed, self.printed
        lines = [line for line in self.printed.splitlines() if line.startswith("error in ")]
        assert len(lines) == 1, self.printed
        return lines[0]

    @property
    def way_back(self) -> str:
        """The command that is said to bring back what DVC removed."""
        assert "to get them back: " in self.printed, self.printed
        return self.printed.split("to get them back: ")[1].splitlines()[0]


class Repo:
    """A repository of the experiment, and the commands as people type them in it."""

    def __init__(self, path: Path):
        self.path = path

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def run(self, *command: str, code: int | None = 0, shell: bool = False, **env: str) -> Outcome:
        """In a process of its own. `code` is the exit code that is asked for; None takes any."""
        done = subprocess.run(
            command[0] if shell else command,
            cwd=self.path,
            env=environment(self.path.parent) | env,
            shell=shell,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self.checked(command, Outcome(done.returncode, done.stdout), code)

    def python(self, *words: str, **options) -> Outcome:
        return self.run(sys.executable, *words, **options)

    def git(self, *command: str, **options) -> Outcome:
        return self.run("git", *command, **options)

    def dvc(self, *command: str, **options) -> Outcome:
        """DVC's own `main`, which starts the stages as ever."""
        return self.call(partial(dvc, list(command)), ("dvc", *command), **options)

    def src(self, *command: str, **options) -> Outcome:
        """`python src COMMAND` with the checkout's code, which is this repository's."""
        return self.call(partial(src, command), ("src", *command), **options)

    def call(self, main: Callable[[], int], command: tuple[str, ...], code: int | None = 0, **env: str) -> Outcome:
        """As `run` would, in the process of this test: DVC and torch need not be imported for each command."""
        # DVC_TEST: DVC does not put back the standard streams that colorama replaced, before it prints JSON
        env = environment(self.path.parent) | {"DVC_TEST": "false"} | env
        with inside(self.path, env) as printed:
            try:
                status = main()
            except SystemExit as stop:  # of argparse
                status = stop.code
        return self.checked(command, Outcome(status, printed[0]), code)

    def checked(self, command: tuple[str, ...], outcome: Outcome, code: int | None) -> Outcome:
        assert code is None or outcome.code == code, f"{command} exited with {outcome.code}:\n{outcome.printed}"
        return outcome

    def initialize(self) -> None:
        """Make the folder, empty but for Git and DVC."""
        self.path.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.org")
        self.git("config", "commit.gpgsign", "false")
        self.dvc("init", "--quiet")

    def write_stages(self, stages: dict) -> None:
        """Put this pipeline, of shell commands, in the place of the experiment's."""
        (self / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))

    def commit(self, message: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def compose(self, *choices: str) -> None:
        """Write params.yaml as `dvc exp run -S ...` does."""
        compose_and_dump(self / "params.yaml", str(self / "conf"), None, "config", str(self / ".dvc"), list(choices))

    def edit_params(self, changes: dict) -> None:
        """Change params.yaml by hand; keys are as in `forget.class`."""
        params = self.params()
        for key, value in changes.items():
            *outer, last = key.split(".")
            section = params
            for name in outer:
                section = section[name]
            section[last] = value
        (self / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    def params(self) -> dict:
        return yaml.safe_load((self / "params.yaml").read_text())

    def metrics(self, name: str) -> dict:
        return yaml.safe_load((self / f"metrics/{name}.json").read_text())

    def locked(self) -> dict:
        """The stages in dvc.lock."""
        return yaml.safe_load((self / "dvc.lock").read_text())["stages"]

    def outputs(self) -> dict[str, str]:
        """The MD5 that dvc.lock has of each output."""
        return {out["path"]: out["md5"] for stage in self.locked().values() for out in stage["outs"]}

    def files(self, *folders: str) -> dict[str, str]:
        """The SHA-256 of each file in these folders, hidden ones included; folders have none."""
        found = sorted(path for folder in folders for path in (self / folder).rglob("*"))
        digests = ("" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest() for path in found)
        return {str(path.relative_to(self.path)): digest for path, digest in zip(found, digests, strict=True)}

    def shard(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self / f"data/shards/{name}.parquet", columns=["id", "class", "role", "slice"])

    def holders(self) -> dict[str, list[str]]:
        """For each raw file of the roster, the shards that hold its image."""
        roster = pd.read_csv(self / "data/rosters/tiny.csv")
        ids = {name: set(self.shard(name)["id"]) for name in self.params()["shards"]}
        return {row.file: [name for name in ids if row.id in ids[name]] for row in roster.itertuples()}

    def copied_to(self, target: Path) -> "Repo":
        left_out = {str(self / name) for name in LINKED}
        shutil.copytree(
            self.path,
            target,
            symlinks=True,
            ignore=lambda folder, names: [name for name in names if os.path.join(folder, name) in left_out],
        )
        for name in LINKED:
            if (self / name).exists():
                shutil.copytree(self / name, target / name, copy_function=link)
        return Repo(target)

    def moved_to(self, name: str) -> "Repo":
        return Repo(self.path.rename(self.path.with_name(name)))

    def take_cache_of(self, other: "Repo") -> None:
        """Know what another repository's DVC cache holds, run-cache included; read-only files here are left alone."""

        def link_new(source: str, target: str) -> None:
            if not Path(target).exists():
                link(source, target)

        shutil.copytree(other / ".dvc/cache", self / ".dvc/cache", dirs_exist_ok=True, copy_function=link_new)

    def empty_run_cache(self) -> None:
        shutil.rmtree(self / ".dvc/cache/runs", ignore_errors=True)

    def delete_photo(self, file: str) -> None:
        (self / "data/raw/tiny" / file).unlink()


def link(source: str, target: str) -> None:
    """Or copy, onto another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def store_object(cache: Path, content: bytes) -> Path:
    """Put an object that no lock names into a cache or a folder remote."""
    name = hashlib.md5(content).hexdigest()
    path = cache / "files/md5" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def src(command: tuple[str, ...]) -> int:
    """What `python src` does, and returns as the exit code."""
    sys.argv[:] = ["src", *command]
    return runpy.run_path(str(ROOT / "src/__main__.py"), run_name="src")["main"]()


def environment(folder: Path) -> dict[str, str]:
    """Like the caller's, but with this Python first and no settings of DVC or Git from outside."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "DVC_", "PYTEST_"))}
    own = {name: str(folder / name.lower()) for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR")}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return kept | own | {"PATH": path, "DVC_NO_ANALYTICS": "true", "COLUMNS": "200"}


def made_once(folder: Path, name: str, make) -> Repo:
    """The repository `name`, which the first worker to ask for it makes."""
    with FileLock(folder / f"{name}.lock"):
        finished = folder / name / "repo"
        if not finished.exists():
            draft = Repo(folder / name / "draft")
            draft.path.parent.mkdir(exist_ok=True)
            shutil.rmtree(draft.path, ignore_errors=True)
            make(draft)
            draft.path.rename(finished)
    return Repo(finished)
