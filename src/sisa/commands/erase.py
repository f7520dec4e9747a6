"""Erase images for good: from raw data, pool, shards and models, in workspace, cache, run-cache and every remote.

Without --confirm nothing is changed: it says what would go where, which models must be trained again at what cost, and
what cannot be reached. Stopped at any point, the same command goes on where it was. See docs/erasing.md.
"""

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import psutil
from tabulate import tabulate

from sisa import sources
from sisa.base import paths
from sisa.base.errors import BadInput, reason
from sisa.base.params import Params, load
from sisa.erasure import journal, lineage, receipts, renewal, scan, stores
from sisa.erasure.journal import Order
from sisa.erasure.receipts import Item, Receipt
from sisa.erasure.renewal import Renewal
from sisa.erasure.scan import Survey
from sisa.repository.git import git
from sisa.sources import roster
from sisa.unlearning import requests

# DVC's trials of which links the disk knows, and files that were to be renamed into place (sisa.common.files.beside)
LEFT_BEHIND = re.compile(r"\.[\w-]{22}\.tmp|\..+\.\d+\.part")
RWLOCK = Path(".dvc/tmp/rwlock")  # where DVC keeps which process reads or writes what


def main() -> None:
    arguments, params = parse_arguments(), load()
    ids, asked = wanted(arguments, params)
    order = journal.under_way()
    if order is None:
        order = prepare(ids, asked, arguments, params)
        if not arguments.confirm:
            how = "--confirm --retrain" if order.renewal.trained else "--confirm"
            print(f"\nNothing was changed. To erase this for good, repeat with {how}.")
            return
    elif order.images != ids or not arguments.confirm:
        raise BadInput(f"an erase of {order.asked} is under way; finish it first: repeat that command with --confirm")
    try:
        journal.write(order)
        written = carry_out(order, params)
    except OSError as error:
        raise BadInput(
            f"stopped: {reason(error)}; see to it, then repeat this command: it goes on from here"
        ) from error
    print(*(f"wrote {path}" for path in written), sep="\n")
    print(f"to version it:  {git_line(params)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python src erase", description=__doc__)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="an id, or a raw file as on the roster")
    which.add_argument("--class", dest="class_", help="every image of this class")
    parser.add_argument("--reason", required=True, help="why, without names: it stays in Git with the receipt for good")
    parser.add_argument("--retrain", action="store_true", help="train again what cannot be replaced")
    parser.add_argument("--confirm", action="store_true", help="do it; without this, only say what would be done")
    return parser.parse_args()


def wanted(arguments: argparse.Namespace, params: Params) -> tuple[list[str], str]:
    """The ids asked for, sorted, and what was asked for in words. Raises BadInput for what the roster never held."""
    dataset = params.dataset.name
    listed = roster.read(paths.roster(dataset))
    if arguments.class_ is not None:
        ids = listed.loc[listed["class"] == arguments.class_, "id"].tolist()
        if not ids:
            raise BadInput(f"class {arguments.class_}: no image on {paths.roster(dataset)} is of it")
        return sorted(ids), f"class {arguments.class_}"
    known, images = requests.pictures(listed), [requests.as_listed(image, dataset) for image in arguments.images]
    for image in images:
        if image not in known:
            raise BadInput(requests.unknown(image, dataset))
    ids = sorted({image for name in images for image in known[name]})
    return ids, shlex.join(images)


def prepare(ids: list[str], asked: str, arguments: argparse.Namespace, params: Params) -> Order:
    """What is to be done, once it was printed. Raises BadInput, before anything is touched, where it cannot be."""
    sources.check_erasable(params.dataset)
    check_workspace()
    places = stores.every()
    for store in places:
        store.check_writable()
    found = scan.survey(ids, places)
    due = renewal.plan(ids, params)
    report(ids, asked, found, due)
    if due.trained and arguments.confirm and not arguments.retrain:
        raise BadInput("models that saw these images must be trained again, at the cost above; repeat with --retrain")
    listed = roster.read(paths.roster(params.dataset.name))
    files = listed.loc[listed["id"].isin(ids), "file"].tolist()
    return Order(
        params.dataset.name,
        ids,
        asked,
        arguments.reason,
        date.today().isoformat(),
        sorted(files),
        due,
        items(found),
        unpullable(found),
        found.cleared,
    )


def check_workspace() -> None:
    """Raises BadInput unless everything in the workspace is committed, in place and left alone by others."""
    if git("rev-parse", "--is-shallow-repository").strip() != "false":
        raise BadInput("this is a shallow clone, whose history cannot be searched; run: git fetch --unshallow")
    if changed := git("status", "--porcelain", "--untracked-files=no").splitlines():
        names = ", ".join(line[3:] for line in changed[:5])
        raise BadInput(f"{len(changed)} files have uncommitted changes ({names}); commit them, or undo them, first")
    if busy := dvc_processes():
        raise BadInput(f"DVC is at work here (process {', '.join(map(str, busy))}); wait until it has ended")
    needed = 2 * sum(
        path.stat().st_size for top in ("data", "models") for path in Path(top).rglob("*") if path.is_file()
    )
    if (free := shutil.disk_usage(".").free) < needed:
        raise BadInput(f"the disk has {free:,} bytes left, and this may need {needed:,}; make room first")
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "status", "--json"], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise BadInput(f"dvc status fails: {' '.join(done.stderr.split())[-300:]}; mend that first")
    if json.loads(done.stdout):
        raise BadInput("data or models are not as dvc.lock has them; run dvc status, then dvc checkout or dvc repro")


def dvc_processes() -> list[int]:
    """Those that DVC's own lock file names and that are alive."""
    try:
        held = json.loads(RWLOCK.read_text())
    except (OSError, ValueError):
        return []
    infos = [*held.get("write", {}).values(), *(info for infos in held.get("read", {}).values() for info in infos)]
    return sorted({info["pid"] for info in infos if is_alive(info["pid"])})


def is_alive(process: int) -> bool:
    """A killed process that nobody has waited for is dead, although its number is still taken."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def report(ids: list[str], asked: str, found: Survey, due: Renewal) -> None:
    print(f"asked for: {asked}, {len(ids):,} images\n")
    print(tabulate(scan.summary(found.findings), headers="keys"))
    for line in consequences(found, due):
        print(line)


def consequences(found: Survey, due: Renewal) -> Iterator[str]:
    yield f"\nreplaced by the retrained model, without training: {', '.join(due.adopted) or 'none'}"
    for model, samples in due.trained.items():
        yield f"to be trained again: {model}, {samples:,} samples"
    yield from (f"can no longer be pulled afterwards: {name}" for name in lineage.in_short(unpullable(found)))
    yield from (f"cannot tell what it was trained on, and leaves it: {each}" for each in found.undecided)
    yield from (f"out of reach: {each}" for each in out_of_reach(found))


def out_of_reach(found: Survey) -> list[str]:
    versions = [f"earlier versions in {name}, a bucket that keeps them" for name in found.versioned]
    return [*versions, *receipts.OUT_OF_REACH]


def unpullable(found: Survey) -> list[str]:
    """What names erased objects for good; the workspace is renewed, and the branch with it."""
    renewed = {"the workspace", f"branch {git('branch', '--show-current').strip()}"}
    return [name for name in found.unpullable if name not in renewed]


def items(found: Survey) -> list[Item]:
    return [Item(each.store, each.hash, each.size, each.kind) for each in found.findings]


def carry_out(order: Order, params: Params) -> list[Path]:
    """Renew the workspace, delete what was found, look again, and write the receipt."""
    if not order.renewed:
        clear_up()
        renewal.erase_raw(order.images, order.date, params)
        renewal.renew(order.renewal, params)
        order = replace(order, renewed=True)
        journal.write(order)
    places = stores.every()
    found = scan.survey(order.images, places, {item.hash for item in order.objects}, order.cleared)
    order = replace(
        order,
        objects=sorted({*order.objects, *items(found)}),
        cleared=sorted({*order.cleared, *found.cleared}),
    )
    journal.write(order)
    scan.remove(found.findings, places)
    left = scan.survey(order.images, places, {item.hash for item in order.objects}, order.cleared)
    if left.findings:
        print(tabulate(scan.summary(left.findings), headers="keys"))
        raise BadInput(f"{len(left.findings)} objects are still there, listed above; repeat the same command")
    written = receipts.write(receipt(order, left))
    journal.finish()
    return written


def clear_up() -> None:
    """Take away what killed processes leave: a lock file that is empty or names only the dead, at which the next DVC
    stops; files half-written or on trial, which would count as those of their folder; half-trained models.
    """
    if RWLOCK.exists() and not dvc_processes():
        RWLOCK.unlink()
    for path in (path for top in ("data", "models", "metrics", "plots") for path in Path(top).rglob(".*")):
        if LEFT_BEHIND.fullmatch(path.name):
            path.unlink()
    for folder in Path("models").glob(".partial-*"):  # of a training that was stopped
        shutil.rmtree(folder)


def receipt(order: Order, left: Survey) -> Receipt:
    return Receipt(
        order.date,
        order.dataset,
        order.reason,
        order.asked,
        order.images,
        order.files,
        order.objects,
        order.renewal.adopted,
        order.renewal.trained,
        order.unpullable,
        out_of_reach(left),
        left.scanned,
        len(left.findings),
        left.undecided,
        left.cleared,
        {"python": python_version(), "git": git("--version").split()[2], "dvc": version("dvc")},
    )


def git_line(params: Params) -> str:
    name = params.dataset.name
    files = [str(paths.roster(name)), f"{paths.raw(name)}.dvc", "dvc.lock", "metrics", "plots", str(receipts.FOLDER)]
    return (
        f"git add {shlex.join(files)} && git commit -m 'Erase images for good', then, where there is a remote: dvc push"
    )


if __name__ == "__main__":
    main()
