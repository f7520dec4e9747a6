"""Is anything of these images still here or there? Looks into every file of workspace, cache and remotes; changes none.

Ends with 0 and `nothing`, or with 1 and how many files hold one of the images, were trained on one, or cannot be told.
"""

import argparse
from collections.abc import Iterator

import pandas as pd
from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import load
from sisa.base.text import counted, number_of, printable
from sisa.commands import data
from sisa.data.images import NoPicture, image_id
from sisa.erasure import lineage, near, receipts, scan, stores
from sisa.erasure.scan import Finding, Survey
from sisa.sources import roster
from sisa.sources.roster import ID

COUNTED = {  # of a survey
    "findings": "Hold one of the images or were trained on one: {}. "
    "To erase them: python src erase IMAGE... --reason TEXT",
    "orphans": "Nothing tells any more what they were trained on, and nothing here needs them: {}. "
    "An erase of any image takes them along.",
    "undecided": "Cannot be told: {}. Look at them by hand, and delete what you do not need.",
}

NEAR_ELSEWHERE = "near-duplicates that are not in data/raw, and those that the comparison of pictures does not tell"


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="an id, or a raw file as on the roster")
    which.add_argument("--class", dest="class_", metavar="CLASS", help="all images of this class on the roster")
    parser.add_argument("--dataset", help="whose roster; that of params.yaml by default")
    parser.add_argument("--all", action="store_true", help="name each file, its hash or path, and why")
    parser.add_argument("--local", action="store_true", help="look at workspace and cache only, at no remote")
    near = "look for pictures in data/raw as well that look like one of them: mirrored, cropped, compressed, resized"
    parser.add_argument("--near", action="store_true", help=near)


def main(options: argparse.Namespace) -> None:
    dataset = options.dataset or load().dataset.name
    ids = wanted(options.images, options.class_, dataset)
    if options.near:
        ids |= look_alikes(ids, dataset)
    found = scan.survey(ids, stores.every(options.local))
    print(*told(ids, found, options.all, options.near), sep="\n")
    untold = len(found.orphans) + len(found.undecided)
    if found.findings or untold:
        held = number_of(len(found.findings), "file")
        raise BadInput(
            f"found: {held} that hold one of the images or were trained on one; cannot be told: "
            f"{number_of(untold, 'file')}; "
            f"{'listed above' if options.all else 'counted above, and with --all listed one by one'}"
        )
    print("nothing")


def wanted(images: list[str], class_: str | None, dataset: str) -> set[str]:
    """The ids that are named; one that is on no roster will do. Raises BadInput for what is neither an id nor known."""
    if dataset not in paths.datasets():
        raise BadInput(f"unknown data set {dataset!r}; write one of {', '.join(paths.datasets())}")
    if class_ is not None:
        return set(roster.of_class(class_, roster.read(paths.roster(dataset)), dataset))
    ids = {image for image in images if ID.fullmatch(image)}
    if names := [image for image in images if image not in ids]:
        listed = roster.read(paths.roster(dataset))
        ids.update(*(found for _, found in roster.resolve(names, listed, dataset)))
    return ids


def look_alikes(ids: set[str], dataset: str) -> set[str]:
    """The ids of the pictures of this data set that look like one of these, which are named. Raises BadInput where none
    of these is there to be looked at.
    """
    files, squares = {}, {}
    for file, _, rgb in data.pictures(data.load_dataset(dataset)):
        if not isinstance(rgb, NoPicture):
            image = image_id(rgb)
            files.setdefault(image, file)
            squares.setdefault(image, near.square(rgb))
    unseen = ids - squares.keys()
    if unseen == ids:
        raise BadInput(f"{paths.raw(dataset)}: holds none of these images, so nothing shows what they look like")
    if unseen:
        images = number_of(len(unseen), "image")
        print(f"notice: near-duplicates of {images} were not looked for: not in {paths.raw(dataset)}")
    asked, others = sorted(ids & squares.keys()), sorted(squares.keys() - ids)
    of_asked, of_others = (near.Looks.of(squares[image] for image in each) for each in (asked, others))
    pairs = [(asked[one], others[other]) for one, other in near.pairs(of_asked, of_others)]
    print(counted("near-duplicates, looked for as well", [f"{files[other]} (of {files[one]})" for one, other in pairs]))
    return {other for _, other in pairs}


def told(ids: set[str], found: Survey, each: bool, near: bool = False) -> Iterator[str]:
    """What was looked at and found, counted by store and kind, or each file by itself."""
    where = ", ".join(f"{name} {count:,}" for name, count in found.scanned.items())
    files = f"{number_of(sum(found.scanned.values()), 'file')} ({where})"
    yield f"looked for {number_of(len(ids), 'image')} in {files}, {found.read:,} different"
    yield f"not looked for: {NEAR_ELSEWHERE if near else receipts.NEAR_DUPLICATES}"
    yield from (
        f"{name} may keep deleted files: its bucket has versioning, or does not say" for name in found.versioned
    )
    for kind, words in COUNTED.items():
        if files := getattr(found, kind):
            yield f"\n{words.format(number_of(len(files), 'file'))}\n"
            yield one_by_one(files) if each else receipts.summary(files)
    if found.unpullable and (found.findings or each):
        yield f"\nName what was found or erased: {', '.join(lineage.in_short(found.unpullable))}"


def one_by_one(files: list[Finding]) -> str:
    table = pd.DataFrame(files)[["store", "path", "size", "kind", "why"]]
    return tabulate(table.assign(path=table["path"].map(shortened)), headers="keys", showindex=False)


def shortened(path: str) -> str:
    """A path as it is printed, and the two SHA-256 that an entry of the run-cache is called by, cut."""
    return "/".join(part[:12] for part in path.split("/")) if path.startswith("runs/") else printable(path)
