"""A run as it is published: its parameters, metrics and plots, and the one in the workspace."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, reduce
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pandas as pd
import yaml

from sisa.base.errors import BadInput
from sisa.publishing.metrics_table import tidy
from sisa.scenarios.grid import BY_CLASS, Scenario
from sisa.unlearning.states import STATES

if TYPE_CHECKING:  # what only the results of branches need takes most of a second to import
    from sisa.attacks.areas import Run as Attacked

NEEDED = {*STATES, "baseline", "cost"}
WORKSPACE = "workspace"
MAKERS = ("split", "baseline_full", "unlearn", "predict", "evaluate", "cost")  # their parameters make the metrics
PLOTS = {name: f"plots/{name}.csv" for name in (f"confusion/{state}" for state in STATES)}
SCORES = "metrics/scores.parquet"


@dataclass(frozen=True)
class Run:
    """One run: what it is called without its number, its params.yaml, and metrics/*.json and plots/**/*.csv by name.

    `short` is its label beside others of its data set; `family` is shared with runs that differ in leakage.leaked only.
    `choices` are those that its branch is named by. A metrics or plots file that the run does not have is absent;
    `attacked` is what attacks said of each image, which intervals are made of.
    """

    scenario: str
    label: str
    short: str
    family: str
    params: dict
    metrics: dict[str, dict]
    plots: dict[str, pd.DataFrame] = field(default_factory=dict)
    attacked: "Attacked | None" = None
    choices: Scenario | None = None

    @property
    def dataset(self) -> str:
        return self.params["dataset"]["name"]

    @property
    def sharding(self) -> str:
        return sharding_of(self.params)

    @property
    def leaked(self) -> int:
        return self.params["leakage"]["leaked"]

    @cached_property
    def table(self) -> pd.DataFrame:
        """All its metrics, tidy."""
        return tidy(self.metrics)


def sharding_of(params: dict) -> str:
    """The choice of conf/sharding; runs of before there was one have a shard a class."""
    return params.get("sharding", {"kind": BY_CLASS})["kind"]


def in_place() -> Run:
    """What the workspace holds; its leakage level has no name. Raises BadInput where it holds no whole run."""
    try:
        params = yaml.safe_load(Path("params.yaml").read_text())
        files = [str(file) for folder in (Path("metrics"), Path("plots")) for file in sorted(folder.rglob("*.*"))]
        shards = "" if sharding_of(params) == BY_CLASS else f" · {sharding_of(params)} shards"
        name = f"{params['classes']} classes{shards} · {params['leakage']['leaked']} leaked"
        said = {"label": f"{name} · as in the workspace", "short": name, "family": "workspace by leaked"}
        return run(lambda file: Path(file).read_bytes(), files, scenario=WORKSPACE, params=params, **said)
    except OSError as error:
        raise BadInput(f"{error.filename}: cannot be read ({error.strerror}); run in the repository's root") from error


def outdated(params: dict) -> str:
    """Why the metrics in place are not of the run that params.yaml and dvc.lock say; blank where they are.

    So it is after an edit of params.yaml, after a `dvc exp run` that failed, and after `dvc repro retrain`.
    """
    from sisa.repository import lock

    entries = lock.read() if lock.LOCK.exists() else {}
    ran = {name: entries[name] for name in MAKERS if name in entries}
    written = {file.path: file.md5 for entry in ran.values() for file in entry.outs}
    for stage, entry in ran.items():
        for key, value in entry.params.get("params.yaml", {}).items():
            if reduce(lambda within, part: (within or {}).get(part), key.split("."), params) != value:
                return f"params.yaml has another {key} than {stage} ran with"
        for file in entry.deps:
            if written.get(file.path, file.md5) != file.md5:
                return f"{file.path} has changed since {stage} ran"
    return ""


def run(read: Callable[[str], bytes], files: list[str], **known) -> Run:
    """The run of which these files below metrics/ and plots/ are there to read. Raises BadInput where one is not."""
    again = "run dvc repro, or make scenarios"
    metrics = {}
    for file in (file for file in files if file.endswith(".json")):
        try:
            metrics[PurePath(file).stem] = json.loads(read(file))
        except ValueError as error:
            raise BadInput(f"{known['scenario']}: {file} is damaged; {again}") from error
    if missing := sorted(NEEDED - metrics.keys()):
        raise BadInput(f"{known['scenario']} lacks metrics/{missing[0]}.json; {again}")
    plots = {name: pd.read_csv(io.BytesIO(read(file))) for name, file in PLOTS.items() if file in files}
    return Run(metrics=metrics, plots=plots, attacked=attacked(read, files), **known)


def attacked(read: Callable[[str], bytes], files: list[str]) -> "Attacked | None":
    if SCORES not in files:
        return None
    from sisa.attacks import scores

    return scores.read(io.BytesIO(read(SCORES)))


def together(tables: list[pd.DataFrame], known: list[dict]) -> pd.DataFrame:
    """Tables of runs in one, with what is known of each in front of its rows."""
    rows = pd.concat(tables, keys=range(len(tables))).droplevel(1)
    return pd.DataFrame(known).join(rows, how="inner").reset_index(drop=True)


def over_runs(
    runs: list[Run], rows: Callable[[list["Attacked"]], list[dict]], known: Callable[[Run], dict]
) -> pd.DataFrame:
    """The rows that the runs of each scenario make together, of those that were attacked."""
    scenarios: dict[str, list[Run]] = {}
    for run in (run for run in runs if run.attacked):
        scenarios.setdefault(run.scenario, []).append(run)
    if not scenarios:
        return pd.DataFrame()
    tables = [pd.DataFrame(rows([run.attacked for run in same])) for same in scenarios.values()]
    return together(tables, [known(same[0]) for same in scenarios.values()])
