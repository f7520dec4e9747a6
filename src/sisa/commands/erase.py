"""Erase images for good: from raw data, pool, shards and models, in workspace, cache, run-cache and every remote.

Without --confirm nothing is changed: it says what would go where, which models must be trained again at what cost, and
what cannot be reached. Stopped at any point, the same command goes on where it was. See docs/erasing.md.
"""

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from sisa import sources
from sisa.base import paths
from sisa.base.errors import BadInput, reason
from sisa.base.params import Params, load
from sisa.erasure import journal, lineage, receipts, renewal, scan, stores, workspace
from sisa.erasure.journal import Journal
from sisa.erasure.receipts import Item, Receipt
from sisa.erasure.renewal import Renewal
from sisa.erasure.scan import Survey
from sisa.repository.git import git
from sisa.sources import roster
from sisa.unlearning import requests


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="an id, or a raw file as on the roster")
    which.add_argument("--class", dest="class_", metavar="CLASS", help="every image of this class")
    parser.add_argument("--reason", required=True, help="why, without names: it stays in Git with the receipt for good")
    parser.add_argument("--retrain", action="store_true", help="train again what cannot be replaced")
    parser.add_argument("--confirm", action="store_true", help="do it; without this, only say what would be done")


def main(options: argparse.Namespace) -> None:
    params = load()
    requests.check_reason(options.reason)
    ids, asked = wanted(options, params)
    under_way = journal.under_way()
    if under_way is None:
        under_way = prepare(ids, asked, options, params)
        if not options.confirm:
            how = "--confirm --retrain" if under_way.receipt.trained else "--confirm"
            print(f"\nNothing was changed. To erase this for good, repeat with {how}.")
            return
    elif under_way.receipt.images != ids or not options.confirm:
        asked = under_way.receipt.asked
        raise BadInput(f"an erase of {asked} is under way; finish it first: repeat that command with --confirm")
    try:
        journal.write(under_way)
        written = erase(under_way, params)
    except OSError as error:
        words = f"stopped: {reason(error)}; see to it, then repeat this command: it goes on from here"
        raise BadInput(words) from error
    print(*(f"wrote {path}" for path in written), sep="\n")
    print(f"to version it:  {git_line(params)}")


def wanted(options: argparse.Namespace, params: Params) -> tuple[list[str], str]:
    """The ids asked for, sorted, and what was asked for in words. Raises BadInput for what the roster never held."""
    dataset = params.dataset.name
    listed = roster.read(paths.roster(dataset))
    if options.class_ is not None:
        return sorted(roster.of_class(options.class_, listed, dataset)), f"class {options.class_}"
    images = roster.resolve(options.images, listed, dataset)
    return sorted({image for _, ids in images for image in ids}), shlex.join(name for name, _ in images)


def prepare(ids: list[str], asked: str, options: argparse.Namespace, params: Params) -> Journal:
    """What is to be done, once it was printed. Raises BadInput, before anything is touched, where it cannot be."""
    sources.check_erasable(params.dataset)
    workspace.check()
    places = stores.every()
    for store in places:
        store.check_writable()
    found = scan.survey(ids, places)
    due = renewal.plan(ids, params)
    print(f"asked for: {asked}, {len(ids):,} images\n")
    print(receipts.summary(items(found)))
    print(*consequences(found, due), sep="\n")
    if due.trained and options.confirm and not options.retrain:
        raise BadInput("models that saw these images must be trained again, at the cost above; repeat with --retrain")
    listed = roster.read(paths.roster(params.dataset.name))
    decided = Receipt(
        date=date.today().isoformat(),
        dataset=params.dataset.name,
        reason=options.reason,
        asked=asked,
        images=ids,
        files=sorted(listed.loc[listed["id"].isin(ids), "file"]),
        objects=items(found),
        adopted=due.adopted,
        trained=due.trained,
        unpullable=unpullable(found),
        cleared=found.cleared,
    )
    return Journal(decided)


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
    renewed = {lineage.HERE, f"branch {git('branch', '--show-current').strip()}"}
    return [name for name in found.unpullable if name not in renewed]


def items(found: Survey) -> list[Item]:
    return [Item(each.store, each.hash, each.size, each.kind) for each in found.findings]


def erase(under_way: Journal, params: Params) -> list[Path]:
    """Renew the workspace, delete what was found, look again, and write the receipt."""
    receipt = under_way.receipt
    if not under_way.renewed:
        workspace.clear_up()
        renewal.erase_raw(receipt.images, receipt.date, params)
        renewal.renew(receipt.adopted, params)
        journal.write(replace(under_way, renewed=True))
    places = stores.every()
    found = survey_again(receipt, places)
    objects, cleared = sorted({*receipt.objects, *items(found)}), sorted({*receipt.cleared, *found.cleared})
    receipt = replace(receipt, objects=objects, cleared=cleared)
    journal.write(Journal(receipt, renewed=True))
    scan.remove(found.findings, places)
    left = survey_again(receipt, places)
    if left.findings:
        print(receipts.summary(items(left)))
        raise BadInput(f"{len(left.findings)} objects are still there, listed above; repeat the same command")
    tools = {"python": python_version(), "git": git("--version").split()[2], "dvc": version("dvc")}
    told = {"scanned": left.scanned, "undecided": left.undecided, "cleared": left.cleared}
    written = receipts.write(replace(receipt, out_of_reach=out_of_reach(left), tools=tools, **told))
    journal.finish()
    return written


def survey_again(receipt: Receipt, places: list[stores.Store]) -> Survey:
    return scan.survey(receipt.images, places, {item.hash for item in receipt.objects}, receipt.cleared)


def git_line(params: Params) -> str:
    name = params.dataset.name
    files = [str(paths.roster(name)), f"{paths.raw(name)}.dvc", "dvc.lock", "metrics", "plots", str(receipts.FOLDER)]
    add = f"git add {shlex.join(files)} && git commit -m 'Erase images for good'"
    return f"{add}, then, where there is a remote: dvc push"
