"""`make scenarios`: run leakage levels x classes (x scopes x runs) as DVC experiments, each kept on a Git branch.

Only what is committed runs, in a clone of its own with the same DVC cache: the workspace is never touched. What HEAD
would not change is skipped, so the same command goes on where an earlier one was stopped.
"""

import argparse
import fcntl
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import yaml
from dvc.repo import Repo
from dvc.utils.hydra import compose_and_dump
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException
from tabulate import tabulate
from tqdm import tqdm

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import load
from sisa.base.text import number_of, whole
from sisa.parallel import jobs, resources
from sisa.parallel.machine import Clones
from sisa.parallel.run_graph import run_graph, stoppable
from sisa.parallel.tasks import Run, one_graph, pipeline
from sisa.repository.dvc import dvc, dvc_in_sight, dvc_logged, use_cache
from sisa.repository.git import GitError, git
from sisa.repository.lock import content
from sisa.scenarios import branches
from sisa.scenarios.grid import BY_CLASS, IID, RUN, SKIPPED, Branch, Scenario, decision, grid, message
from sisa.unlearning import requests

CLASSES = (3, 5)  # of the published scenarios, which are those of the default grid
LEVELS = {BY_CLASS: ("high", "low", "none"), IID: ("none",)}
WORK = Path(".dvc/tmp/scenarios")
CLONE = WORK / "clone"


def arguments(parser: argparse.ArgumentParser) -> None:
    numbers = {"type": int, "nargs": "+"}
    parser.add_argument("--dataset", default=Scenario.dataset)
    parser.add_argument("--train", default="fast", help="the recipe: a file in conf/train")
    parser.add_argument("--classes", **numbers, help="default: 3 and 5, of those that the data set has")
    parser.add_argument(
        "--leakage", nargs="+", metavar="LEVEL", help="default: high, low and none; of iid shards, none"
    )
    parser.add_argument("--sharding", nargs="+", default=[BY_CLASS], choices=(BY_CLASS, IID), help="default: classes")
    parser.add_argument("--scopes", nargs="+", default=[Scenario.scope], metavar="SCOPE", help="dominant, all")
    several = "how many independent ones, or which: 5-9; run i has both seeds i"
    parser.add_argument("--runs", type=which_runs, default=range(1), metavar="N", help=several)
    parser.add_argument("--leaked", **numbers, default=[None], metavar="IMAGES", help="of each other class in a shard")
    parser.add_argument(
        "--kinds",
        nargs="+",
        default=[Scenario.kind],
        metavar="KIND",
        help="as what images leak: copy, flip, mixed, ...",
    )
    parser.add_argument(
        "-S", dest="set", action="append", default=[], metavar="KEY=VALUE", help="any other parameter, for all of them"
    )
    resources.add_arguments(parser)


def which_runs(text: str) -> range:
    """`3`: runs 0, 1 and 2; `5-9`: runs 5 to 9. Raises ArgumentTypeError for anything else."""
    first, dash, last = text.partition("-")
    return range(whole(first), whole(last, least=int(first)) + 1) if dash else range(whole(text, least=1))


def main(options: argparse.Namespace) -> None:
    check_committed(options.dataset)
    wanted = asked_for(options)
    check_further(options.set, wanted[0])
    with stoppable(), alone() as lock, clone_of_head():
        tell_requests(options.dataset)
        outcomes = run_due(wanted, [f"train={options.train}", *options.set], lock, options)
    report(outcomes)


def asked_for(options: argparse.Namespace) -> list[Scenario]:
    classes = options.classes or class_counts(options.dataset)
    others = (options.scopes, options.runs, options.leaked, options.kinds)
    levels = {sharding: options.leakage or LEVELS[sharding] for sharding in options.sharding}
    parts = (grid(options.dataset, classes, each, *others, sharding) for sharding, each in levels.items())
    return list(chain.from_iterable(parts))


def check_committed(dataset: str) -> None:
    """Raises BadInput unless HEAD has what a run of this data set starts from."""
    needed = [f"conf/dataset/{dataset}.yaml", str(paths.roster(dataset)), f"{paths.raw(dataset)}.dvc"]
    missing = [name for name in needed if not git("ls-tree", "HEAD", "--", name)]
    if missing:
        files = shlex.join([*missing, str(paths.raw(dataset).parent / ".gitignore")])
        raise BadInput(
            f"only what is committed runs, and HEAD lacks {', '.join(missing)}; bring the images in (make data "
            f"DATASET={dataset} FROM=...), then: git add {files} && git commit"
        )
    git("var", "GIT_COMMITTER_IDENT")  # raises where Git does not know who commits
    if changed := git(
        "status", "--porcelain", "--untracked-files=no", "--", ".dvc/config", "conf", "data", "dvc.yaml", "src"
    ).splitlines():
        print(f"notice: uncommitted changes do not run: {', '.join(line[3:] for line in changed)}")


def check_further(further: list[str], scenario: Scenario) -> None:
    """Raises BadInput for a parameter that has an option of its own, by which the branch is named."""
    own = {choice.split("=")[0] for choice in [*scenario.choices, "train=fast"]}
    for choice in further:
        if choice.split("=")[0].lstrip("+~") in own:
            raise BadInput(f"-S {choice}: it has an option of its own, see python src scenarios --help")


def class_counts(dataset: str) -> list[int]:
    """Those of the published scenarios; all where the data set has none of them."""
    known = sorted(map(int, yaml.safe_load(git("show", f"HEAD:conf/dataset/{dataset}.yaml"))["class_sets"]))
    return [count for count in known if count in CLASSES] or known


@contextmanager
def alone() -> Iterator[int]:
    """Wait until no other call is at work, nor a run that a killed one left behind: `dvc` inherits this lock."""
    WORK.mkdir(parents=True, exist_ok=True)
    with (WORK / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another call, or for the run that a stopped one has left, to end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


@contextmanager
def clone_of_head() -> Iterator[None]:
    """HEAD in CLONE, made anew: whatever an earlier call left there is gone."""
    shutil.rmtree(CLONE, ignore_errors=True)
    git("clone", "--quiet", "--shared", "--no-checkout", ".", str(CLONE))
    git("checkout", "--quiet", "--detach", git("rev-parse", "HEAD").strip(), folder=CLONE)
    yield
    shutil.rmtree(CLONE)


def tell_requests(dataset: str) -> None:
    """Raises BadInput where HEAD's list of requests is damaged."""
    if asked := sum(request.dataset == dataset for request in requests.read(CLONE / paths.REQUESTS)):
        print(
            f"notice: every scenario forgets {number_of(asked, 'image')} more, as requested in HEAD's {paths.REQUESTS}"
        )


def run_due(wanted: list[Scenario], further: list[str], lock: int, options: argparse.Namespace) -> dict[Scenario, str]:
    """What became of each scenario, those that need no run included."""
    known, outcomes = branches.known(), {}
    for scenario in wanted:
        branch, expected = known.get(scenario.branch), composed(scenario, further)
        current = branch is not None and branch.ours and is_current(branch, expected)
        outcomes[scenario] = decision(branch, current)
    due = [scenario for scenario, outcome in outcomes.items() if outcome == RUN]
    if due:
        bring_raw_images(due[0].dataset)
        if options.jobs or options.ray:
            fill_run_cache(due, further, options)
    with tqdm(due, unit="scenario", disable=None) as bar:
        for scenario in bar:
            bar.write(f"running {scenario.name}: see {log_of(scenario)}", file=sys.stderr)
            outcomes[scenario] = run(scenario, further, lock, ["--pull"] if options.ray else [])
    return outcomes


def fill_run_cache(due: list[Scenario], further: list[str], options: argparse.Namespace) -> None:
    """Compute all stages of all scenarios side by side, what they share once. What fails here fails again, and is
    reported, when the scenarios are run one by one from the run-cache."""
    runs = {}
    for scenario in due:
        composed(scenario, further)
        params = (CLONE / "params.yaml").read_text()
        job = jobs.for_cluster(params) if options.ray else jobs.for_machine(params, WORK / "workers")
        # What is kept in Git reaches a remote from Ray's workers only; a push of the run-cache here would lose it.
        runs[scenario.name] = Run(job, content(CLONE)), pipeline(CLONE, kept_in_git=bool(options.ray))
    tasks, needs = one_graph(runs)
    table = resources.read(yaml.safe_load(params))
    logs = WORK / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    try:
        if options.ray:
            from sisa.parallel.cluster import Cluster

            dvc_in_sight("push", "--run-cache")
            run_graph(needs, Cluster(options.ray, tasks, table, logs))
        else:
            run_graph(needs, Clones(options.jobs, tasks, table, logs))
    except BadInput as error:
        print(f"notice: {error}", flush=True)
    finally:
        shutil.rmtree(WORK / "workers", ignore_errors=True)


def composed(scenario: Scenario, further: list[str]) -> dict:
    """The params.yaml of a scenario, as HEAD's conf/ has it. Raises BadInput for choices that are no experiment."""
    conf, plugins, file = (CLONE / "conf").resolve(), (CLONE / ".dvc").resolve(), CLONE / "params.yaml"
    try:
        compose_and_dump(file, str(conf), None, "config", str(plugins), [*scenario.choices, *further])
    except (HydraException, OmegaConfBaseException) as error:
        first, *_ = str(error).splitlines()  # Hydra goes on with advice to add the key, which is no parameter of ours
        raise BadInput(f"{scenario.name}: {first}") from error
    load(file)
    return yaml.safe_load(file.read_text())


def is_current(branch: Branch, expected: dict) -> bool:
    """Whether HEAD has the code and data that the branch was run with, and the parameters asked for."""
    same = branches.params(branch.name) == expected
    return same and not branches.changed_inputs(branch.name, "HEAD", branch.scenario.dataset)


def bring_raw_images(dataset: str) -> None:
    """Raises BadInput where the cache does not have them."""
    file = f"{paths.raw(dataset)}.dvc"
    use_cache(CLONE, Repo().cache.local_cache_dir)
    try:
        dvc("checkout", "--quiet", file, folder=CLONE)
    except BadInput as error:
        words = (
            f"{file}: its images do not come from DVC's cache ({error}); fetch them: dvc fetch {file}, or: make data"
        )
        raise BadInput(words) from error


def run(scenario: Scenario, further: list[str], lock: int, pull: list[str]) -> str:
    """The outcome of running it; its branch is there only if all went well. `pull`: the option to use the remote."""
    log = log_of(scenario)
    choices = [word for choice in (*scenario.choices, *further) for word in ("-S", choice)]
    git("reset", "--quiet", "--hard", folder=CLONE)
    log.unlink(missing_ok=True)
    if dvc_logged("exp", "run", *pull, "--name", scenario.name, *choices, log=log, folder=CLONE, keep=(lock,)):
        return f"failed: {log}"
    try:
        commit(scenario)
    except GitError as error:
        return f"failed: {error}"
    return RUN


def log_of(scenario: Scenario) -> Path:
    return WORK / f"{scenario.name}.log"


def commit(scenario: Scenario) -> None:
    """Put what the experiment left, in one commit on top of HEAD, on the scenario's branch in the repository."""
    experiment = f"refs/exps/*/*/{scenario.name}"
    name, tree = git("for-each-ref", "--format=%(refname) %(tree)", experiment, folder=CLONE).split()
    head = git("rev-parse", "HEAD", folder=CLONE).strip()
    git("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(CLONE), name)
    made = git("commit-tree", tree, "-p", head, "-m", message(scenario, tree)).strip()
    git("branch", "--quiet", "--force", "--no-track", scenario.branch, made)


def report(outcomes: dict[Scenario, str]) -> None:
    """Raises BadInput where not every scenario is there."""
    table = [(scenario.name, scenario.branch, outcome) for scenario, outcome in outcomes.items()]
    print(tabulate(table, headers=["scenario", "branch", "outcome"]))
    run, skipped = (sum(outcome == kind for outcome in outcomes.values()) for kind in (RUN, SKIPPED))
    if skipped == len(outcomes):
        print("nothing to do: every scenario is there, run with the code and parameters of HEAD")
    if missing := len(outcomes) - run - skipped:
        raise BadInput(f"{missing} of {len(outcomes)} scenarios failed or were refused: see the table")
