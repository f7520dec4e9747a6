"""Request that images be forgotten: add them, with today's date, to the request file. `dvc repro` does the rest."""

import argparse
from datetime import date

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import load
from sisa.sources import roster
from sisa.unlearning import requests
from sisa.unlearning.requests import Request


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="an image's id, or its raw file as on the roster")
    parser.add_argument("--reason", required=True, help="why, without names: it stays in Git with the request for good")


def main(options: argparse.Namespace) -> None:
    dataset = load().dataset.name
    listed = roster.read(paths.roster(dataset))
    known = requests.pictures(listed)
    already = {each.id for each in requests.resolve(paths.REQUESTS, dataset, paths.datasets(), listed)}
    new = []
    for image in (requests.as_listed(image, dataset) for image in options.images):
        if image not in known:
            raise BadInput(requests.unknown(image, dataset))
        if roster.erased_ids(listed).issuperset(known[image]):
            print(f"notice: {image} was erased for good; nothing changes")
            continue
        if already.issuperset(known[image]):
            print(f"notice: {image} was requested before; nothing changes")
            continue
        already.update(known[image])
        new.append(Request(dataset, image, date.today().isoformat(), options.reason))
    if not new:
        return
    requests.append(paths.REQUESTS, new)
    print(f"added to {paths.REQUESTS}: {len(new)}; carry it out: dvc repro; then commit the file with the results")
