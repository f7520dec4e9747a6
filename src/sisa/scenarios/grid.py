"""Scenarios and the branches that hold them: names, the choices behind them, and which of them are to be run."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product

from sisa.base.params import forgotten_classes

PREFIX = "scenario/"
RUN, SKIPPED = "run", "skipped"
BY_CLASS, IID = "classes", "iid"  # conf/sharding
VARIED = {
    "dataset",
    "classes",
    "sharding",
    "shards",
    "leakage",
    "seed",
    "split_seed",
    "attacks",
}  # between the scenarios of one table


@dataclass(frozen=True)
class Scenario:
    """What a branch is named by; defaults are left out of the name. leaked: None, the level's own; kind: as what
    images leak.

    Run i has seed i and split_seed i, so that runs share neither the draw of their images nor the noise of training.
    """

    classes: int
    leakage: str
    dataset: str = "animal_mnist"
    scope: str = "dominant"
    run: int = 0
    leaked: int | None = None
    sharding: str = BY_CLASS
    kind: str = "copy"

    @property
    def name(self) -> str:
        parts = [
            self.dataset if self.dataset != Scenario.dataset else "",
            f"{self.classes}-{self.leakage}",
            self.sharding if self.sharding != BY_CLASS else "",
            f"leaked{self.leaked}" if self.leaked is not None else "",
            self.kind if self.kind != Scenario.kind else "",
            self.scope if self.scope != Scenario.scope else "",
            f"run{self.run}" if self.run != Scenario.run else "",
        ]
        return "-".join(filter(None, parts))

    @property
    def branch(self) -> str:
        return PREFIX + self.name

    @property
    def choices(self) -> list[str]:
        """As `dvc exp run -S` takes them."""
        chosen = {"dataset": self.dataset, "classes": self.classes, "sharding": self.sharding}
        chosen |= {"leakage": self.leakage, "forget.scope": self.scope, "leakage.kind": self.kind}
        chosen |= {"seed": self.run, "split_seed": self.run, "attacks": "all"}
        chosen |= {} if self.leaked is None else {"leakage.leaked": self.leaked}
        return [f"{key}={value}" for key, value in chosen.items()]

    @property
    def place(self) -> tuple:
        """Its place in a table: many classes first, and the runs of one scenario together."""
        random, scope = self.sharding != BY_CLASS, self.scope != Scenario.scope
        kind = self.kind if self.kind != Scenario.kind else ""
        return self.dataset, -self.classes, random, self.leakage, scope, self.leaked or 0, kind, self.run


@dataclass(frozen=True)
class Branch:
    """The tip of a branch; `scenario` and `made` are what the commit says of itself, where it says so."""

    name: str
    tree: str
    worktree: str
    made: str
    scenario: Scenario | None

    @property
    def ours(self) -> bool:
        """Whether the tip is a result as it was committed: a commit on top, or an amended one, is somebody's work."""
        return self.scenario is not None and self.made == self.tree


def grid(
    dataset: str,
    classes: Sequence[int],
    leakages: Sequence[str],
    scopes: Sequence[str],
    runs: Sequence[int],
    leaked: Sequence[int | None] = (None,),
    kinds: Sequence[str] = (Scenario.kind,),
    sharding: str = BY_CLASS,
) -> list[Scenario]:
    """Each combination once; a run's whole grid before the next run's."""
    every = product(runs, scopes, classes, leakages, leaked, kinds)
    found = (
        Scenario(n, level, dataset, scope, run, images, sharding, kind) for run, scope, n, level, images, kind in every
    )
    return list(dict.fromkeys(found))


# Of `git for-each-ref`. One trailer holds all, for Git 2.39 mixes up the trailers that several fields ask for.
TRAILER = "contents:trailers:key=Scenario,valueonly,separator="
FORMAT = "%00".join(f"%({field})" for field in ("refname:lstrip=2", "tree", "worktreepath", TRAILER))


def message(scenario: Scenario, tree: str) -> str:
    """The commit message by which a result is known again."""
    return f"Scenario {scenario.name}\n\nScenario: {json.dumps(asdict(scenario) | {'tree': tree})}\n"


def parsed(listing: str) -> dict[str, Branch]:
    """The branches by name, from what `git for-each-ref` prints in FORMAT."""
    found = {}
    for line in listing.splitlines():
        *tip, trailer = line.split("\0")
        own = json.loads(trailer) if trailer else {}
        made = own.pop("tree", "")
        found[tip[0]] = Branch(*tip, made, Scenario(**own) if own else None)
    return found


def decision(branch: Branch | None, current: bool) -> str:
    """RUN, SKIPPED, or why the branch must stay where it is. current: it has what HEAD would give."""
    if branch is None:
        return RUN
    if not branch.ours:
        return f"refused: {branch.name} holds commits of your own; rename it: git branch -m {branch.name} NEW"
    if current:
        return SKIPPED
    if branch.worktree:
        return f"refused: {branch.name} is out of date and checked out; switch to another branch there"
    return RUN


def settings(scenario: Scenario, params: dict) -> dict:
    """What must not differ between the scenarios of one table, from params.yaml: the shards and the leakage of a level
    may follow the number of classes. Runs of before there was a choice of sharding have a shard a class.
    """
    fixed = {key: value for key, value in params.items() if key not in VARIED | {"forget"}}
    fixed |= {"dataset": {key: value for key, value in params["dataset"].items() if key != "class_sets"}}
    leakage = {key: value for key, value in params["leakage"].items() if key not in ("leaked", "kind")}
    of_classes = {f"leakage {scenario.leakage}": leakage, f"shards {scenario.sharding}": params["shards"]}
    fixed |= {f"{key} of {scenario.classes} classes": value for key, value in of_classes.items()}
    request = params["forget"]
    near = request.get("near", False)  # older runs have none
    return fixed | {"forget.class": forgotten_classes(request["class"]), "forget.near": near}
