"""Is anything of these images still here or there? Looks into every file of workspace, cache and remotes; changes none.

Ends with 0 and `nothing`, or with 1 and a list of what holds one of the images, was trained on one, or cannot be told.
"""

import argparse

import pandas as pd
from tabulate import tabulate

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import load
from sisa.erasure import lineage, scan, stores
from sisa.erasure.scan import Survey
from sisa.sources import roster
from sisa.sources.roster import ID


def arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("images", nargs="*", default=[], metavar="IMAGE", help="an id, or a raw file as on the roster")
    which.add_argument("--class", dest="class_", metavar="CLASS", help="all images of this class on the roster")
    parser.add_argument("--dataset", help="whose roster; that of params.yaml by default")
    parser.add_argument("--local", action="store_true", help="look at workspace and cache only, at no remote")


def main(options: argparse.Namespace) -> None:
    ids = wanted(options.images, options.class_, options.dataset or load().dataset.name)
    found = scan.survey(ids, stores.every(options.local))
    show(ids, found)
    if found.findings or found.undecided:
        raise BadInput(
            f"{len(found.findings):,} files hold one of the images or were trained on one, "
            f"{len(found.undecided):,} cannot be told; listed above"
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


def show(ids: set[str], found: Survey) -> None:
    where = ", ".join(f"{name} {count:,}" for name, count in found.scanned.items())
    files = f"{sum(found.scanned.values()):,} files ({where})"
    print(f"looked for {len(ids):,} images in {files}, {found.read:,} different")
    if found.findings:
        table = pd.DataFrame(found.findings)[["store", "path", "size", "kind", "why"]]
        print(tabulate(table.assign(path=table["path"].map(shortened)), headers="keys", showindex=False))
    for line in found.undecided:
        print(f"cannot tell: {line}")
    for line in lineage.in_short(found.unpullable):
        print(f"names what was found or erased: {line}")
    for name in found.versioned:
        print(f"{name} may keep what is deleted as earlier versions: its bucket has versioning, or does not say")


def shortened(path: str) -> str:
    """The two SHA-256 that an entry of the run-cache is called by, cut."""
    return "/".join(part[:12] for part in path.split("/")) if path.startswith("runs/") else path
