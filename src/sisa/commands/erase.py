"""Erase images for good: from raw data, pool, shards and models, in workspace, cache, run-cache and every remote.

Without --confirm nothing is changed: it says what would go where, which models must be trained again at what cost, and
what cannot be reached. Stopped at any point, the same command goes on where it was. See docs/erasing.md.
"""

import argparse
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from sisa import __version__, sources
from sisa.base import paths
from sisa.base.errors import BadInput, reason
from sisa.base.params import Dataset, Params, load
from sisa.base.text import number_of, printable
from sisa.commands.data import load_dataset
from sisa.erasure import journal, lineage, receipts, renewal, scan, stores, workspace
from sisa.erasure.contents import ARRAY, PHOTO
from sisa.erasure.journal import Journal
from sisa.erasure.receipts import Item, Receipt
from sisa.erasure.renewal import Renewal
from sisa.erasure.scan import Finding, Survey
from sisa.repository.git import git
from sisa.sources import roster
from sisa.unlearning import requests


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="an id, or a raw file as on the roster")
    which.add_argument("--class", dest="class_", metavar="CLASS", help="every image of this class")
    parser.add_argument("--reason", required=True, help="why, without names: it stays in Git with the receipt for good")
    parser.add_argument("--retrain", action="store_true", help="train again what cannot be replaced")
    parser.add_argument("--copies", action="store_true", help="erase files with the same pixels that nobody named, too")
    parser.add_argument("--confirm", action="store_true", help="do it; without this, only say what would be done")


def main(options: argparse.Namespace) -> None:
    params = load()
    requests.check_reason(options.reason)
    ids, asked = wanted(options, params)
    under_way = journal.under_way()
    if under_way is None:
        under_way = prepare(ids, asked, options, params)
        if not options.confirm:
            needed = {"--retrain": under_way.receipt.trained, "--copies": under_way.receipt.copies}
            how = " ".join(["--confirm", *(option for option, due in needed.items() if due)])
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
    print(f"to version it:  {git_line([under_way.receipt.dataset, *under_way.receipt.others])}")


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
    files = raw_files(ids, found, params)
    others = [name for name in files if name != params.dataset.name]
    workspace.check_raw(others)
    astray = strays(found, list(files))
    copies = sorted([*unnamed(files, ids, params.dataset.name), *astray])
    due = renewal.plan(ids, params)
    print(f"asked for: {printable(asked)}, {number_of(len(ids), 'image')}\n")
    print(receipts.summary(found.findings))
    print(*consequences(found, due, copies), sep="\n")
    check_consent(due, copies, options)
    now = datetime.now(UTC)
    decided = Receipt(
        date=now.date().isoformat(),
        time=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        commit=git("rev-parse", "HEAD").strip(),
        dataset=params.dataset.name,
        others=others,
        reason=options.reason,
        asked=asked,
        images=ids,
        files=sorted([*in_paths(files), *astray]),
        copies=copies,
        objects=items(found.findings),
        orphans=items(found.orphans),
        adopted=due.adopted,
        trained=due.trained,
        unpullable=unpullable(found),
        cleared=found.cleared,
    )
    return Journal(decided)


def raw_files(ids: list[str], found: Survey, params: Params) -> dict[str, list[str]]:
    """The raw files with these images, as rosters call them, by data set; that of params.yaml is among them."""
    here = [each.path for each in found.findings if each.store == stores.WORKSPACE]
    holding = {name for name in paths.datasets() if any(path.startswith(f"{paths.raw(name)}/") for path in here)}
    names = [params.dataset.name, *sorted(holding - {params.dataset.name})]
    return {each.name: sources.holding(each, paths.raw(each.name), ids) for each in datasets(names, params)}


def datasets(names: list[str], params: Params) -> list[Dataset]:
    return [params.dataset if name == params.dataset.name else load_dataset(name) for name in names]


def unnamed(files: dict[str, list[str]], ids: list[str], dataset: str) -> list[str]:
    """Those of the raw files, by path, that this data set's roster does not have under one of these ids."""
    listed = roster.read(paths.roster(dataset))
    named = in_paths({dataset: listed.loc[listed["id"].isin(ids), "file"]})
    return [file for file in in_paths(files) if file not in named]


def strays(found: Survey, names: list[str]) -> list[str]:
    """The photos and arrays that lie outside of these data sets' raw images; what interrupted runs left is none."""
    expected = tuple(f"{folder}/" for folder in (stores.TMP, *map(paths.raw, names)))
    here = [each for each in found.findings if each.store == stores.WORKSPACE and each.kind in (PHOTO, ARRAY)]
    return [each.path for each in here if not each.path.startswith(expected)]


def in_paths(files: dict[str, Iterable[str]]) -> list[str]:
    """As text: on Linux a file name may be any bytes."""
    found = (f"{paths.raw(name)}/{file}" for name, those in files.items() for file in those)
    return sorted(file.encode(errors="replace").decode() for file in found)


def check_consent(due: Renewal, copies: list[str], options: argparse.Namespace) -> None:
    if copies and options.confirm and not options.copies:
        raise BadInput(
            f"files that nobody named ({len(copies):,}, listed above) have the same pixels and would go as well; "
            "look at them: if they are copies, repeat with --copies; if one is another picture, first move it out of "
            "this repository, run dvc repro and commit"
        )
    if due.trained and options.confirm and not options.retrain:
        raise BadInput("models that saw these images must be trained again, at the cost above; repeat with --retrain")


def consequences(found: Survey, due: Renewal, copies: list[str]) -> Iterator[str]:
    yield from (f"has the same pixels, though nobody named it, and goes as well: {printable(file)}" for file in copies)
    if found.orphans:
        yield f"\n{receipts.ORPHANS}:\n"
        yield receipts.summary(found.orphans)
    yield f"\nreplaced by the retrained model, without training: {', '.join(due.adopted) or 'none'}"
    for model, samples in due.trained.items():
        yield f"to be trained again: {model}, {number_of(samples, 'sample')}"
    yield from (f"can no longer be pulled afterwards: {name}" for name in lineage.in_short(unpullable(found)))
    yield from (f"cannot be told, and stays: {each.line}" for each in found.undecided)
    yield from (f"out of reach: {each}" for each in out_of_reach(found))


def out_of_reach(found: Survey) -> list[str]:
    versions = [f"earlier versions in {name}, a bucket that keeps them" for name in found.versioned]
    return [*versions, *receipts.OUT_OF_REACH]


def unpullable(found: Survey) -> list[str]:
    """What names erased objects for good; the workspace is renewed, and the branch with it."""
    renewed = {lineage.HERE, f"branch {git('branch', '--show-current').strip()}"}
    return [name for name in found.unpullable if name not in renewed]


def items(findings: list[Finding]) -> list[Item]:
    return [Item(each.store, each.hash, each.size, each.kind) for each in findings]


def erase(under_way: Journal, params: Params) -> list[Path]:
    """Renew the workspace, delete what was found, look again, and write the receipt."""
    receipt = under_way.receipt
    if not under_way.renewed:
        workspace.clear_up()
        for dataset in datasets([receipt.dataset, *receipt.others], params):
            renewal.erase_raw(receipt.images, receipt.date, dataset)
        renewal.renew(receipt.adopted, params)
        journal.write(replace(under_way, renewed=True))
    places = stores.every()
    found = survey_again(receipt, places)
    receipt = replace(
        receipt,
        objects=sorted({*receipt.objects, *items(found.findings)}),
        orphans=sorted({*receipt.orphans, *items(found.orphans)}),
        cleared=sorted({*receipt.cleared, *found.cleared}),
    )
    journal.write(Journal(receipt, renewed=True))
    scan.remove([*found.findings, *found.orphans], places)
    left = survey_again(receipt, places)
    if still := [*left.findings, *left.orphans]:
        print(receipts.summary(still))
        raise BadInput(f"still there, and counted above: {number_of(len(still), 'object')}; repeat the same command")
    told = {"scanned": left.scanned, "undecided": [each.line for each in left.undecided], "cleared": left.cleared}
    written = receipts.write(replace(receipt, out_of_reach=out_of_reach(left), tools=tools(), **told))
    journal.finish()
    return written


def tools() -> dict[str, str]:
    """The versions of what did it, by name."""
    git_version = git("--version").split()[2]
    return {"sisa-leakage": __version__, "python": python_version(), "git": git_version, "dvc": version("dvc")}


def survey_again(receipt: Receipt, places: list[stores.Store]) -> Survey:
    return scan.survey(receipt.images, places, {item.hash for item in receipt.objects}, receipt.cleared)


def git_line(names: list[str]) -> str:
    raw = [file for name in names for file in (str(paths.roster(name)), f"{paths.raw(name)}.dvc")]
    files = [*raw, "dvc.lock", "metrics", "plots", str(receipts.FOLDER)]
    add = f"git add {shlex.join(files)} && git commit -m 'Erase images for good'"
    return f"{add}, then, where there is a remote: dvc push"
