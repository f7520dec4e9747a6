"""Request that images be forgotten: add them, with today's date, to the request file, and commit that file.

The commit holds the request file alone, whatever else is changed or staged, so that no `dvc exp apply` can lose a
request. `dvc repro` does the rest.
"""

import argparse
from collections.abc import Iterable
from datetime import date

import pandas as pd

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.files import alone, beside
from sisa.base.params import load
from sisa.base.text import counted, number_of
from sisa.erasure import renewal
from sisa.repository import history
from sisa.repository.git import GitError, git
from sisa.sources import roster
from sisa.unlearning import requests
from sisa.unlearning.requests import Request

FILE = paths.REQUESTS


def arguments(parser: argparse.ArgumentParser) -> None:
    what = "an image's id, or its raw file as on the roster or by its path"
    parser.add_argument("images", nargs="+", metavar="IMAGE", help=what)
    parser.add_argument("--reason", required=True, help="why, without names: it stays in Git with the request for good")
    parser.add_argument("--dataset", choices=paths.datasets(), help="whose images; that of params.yaml by default")


def main(options: argparse.Namespace) -> None:
    requests.check_reason(options.reason)
    dataset, today = options.dataset or load().dataset.name, date.today().isoformat()
    try:
        with alone(FILE.parent):
            listed = roster.read(paths.roster(dataset))
            check_kept(dataset, listed)
            new = [Request(dataset, image, today, options.reason) for image in due(options.images, dataset, listed)]
            commit = keep(new, f"Request that {number_of(len(new), 'image')} of {dataset} be forgotten")
    except GitError as error:
        raise BadInput(f"nothing was requested: a request is kept in Git, and {error}; mend that and repeat") from error
    if commit:
        print(f"added to {FILE}: {len(new)}, in commit {commit}; {what_next(new, dataset, listed)}")


def check_kept(dataset: str, listed: pd.DataFrame) -> None:
    """Raises BadInput where a commit would lose requests: on no branch, or with a file that lacks committed ones."""
    if not git("branch", "--show-current").strip():
        raise BadInput("HEAD is on no branch, where a request is easily lost; go to one first: git switch BRANCH")
    if lost := requests.made(history.in_head(FILE), dataset, listed) - set(requests.read(FILE)):
        gone = number_of(len(lost), "request")
        raise BadInput(f"{FILE} lacks {gone} of HEAD; bring back what is gone first: git checkout HEAD -- {FILE}")


def due(names: Iterable[str], dataset: str, listed: pd.DataFrame) -> list[str]:
    """Those of these images that were neither requested nor erased before; the others are counted."""
    already = {each.id for each in requests.resolve(FILE, dataset, paths.datasets(), listed)}
    erased = roster.erased_ids(listed)
    new, idle = [], {"erased for good": [], "requested before": []}
    for image, ids in roster.resolve(names, listed, dataset):
        if erased.issuperset(ids):
            idle["erased for good"].append(image)
        elif already.issuperset(ids):
            idle["requested before"].append(image)
        else:
            already.update(ids)
            new.append(image)
    for reason, images in idle.items():
        if images:
            print(counted(f"notice: changes nothing, {reason}", images))
    return new


def what_next(new: list[Request], dataset: str, listed: pd.DataFrame) -> str:
    """What these requests leave to do."""
    known = roster.pictures(listed)
    if new and not may_have_seen({image for each in new for image in known[each.image]}, dataset):
        images = "this image" if len(new) == 1 else "these images"
        return f"no model here was trained on {images}: nothing is to be retrained, and the next dvc repro takes note"
    return f"carry it out: dvc repro, with data set {dataset}; then commit the results"


def may_have_seen(ids: set[str], dataset: str) -> bool:
    """Whether a member or baseline in place was trained on one of these images, by its own record, or may have been."""
    try:
        params = load()
        seen, doubts = renewal.trained_on(params)
    except BadInput:  # nothing was run yet, or a part of it is not here
        return True
    return params.dataset.name != dataset or bool(doubts) or any(each & ids for each in seen.values())


def keep(new: list[Request], message: str) -> str:
    """Add the requests and commit the file, rows added by hand included; the commit, or nothing where none was due.

    Raises GitError, with the file as it was before, where Git refuses.
    """
    before = FILE.read_bytes()
    if new:
        requests.append(FILE, new)
    if not git("status", "--porcelain", "--", str(FILE)):
        return ""
    try:
        git("commit", "--quiet", "--only", "--message", message, "--", str(FILE))
    except GitError:
        with beside(FILE) as part:
            part.write_bytes(before)
        raise
    return git("rev-parse", "--short", "HEAD").strip()
