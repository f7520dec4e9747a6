"""Request that images be forgotten: add them, with today's date, to the request file. `dvc repro` does the rest."""

import argparse
from datetime import date

from sisa.base import paths
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
    already = {each.id for each in requests.resolve(paths.REQUESTS, dataset, paths.datasets(), listed)}
    new = []
    for image, ids in roster.resolve(options.images, listed, dataset):
        if roster.erased_ids(listed).issuperset(ids):
            print(f"notice: {image} was erased for good; nothing changes")
        elif already.issuperset(ids):
            print(f"notice: {image} was requested before; nothing changes")
        else:
            already.update(ids)
            new.append(Request(dataset, image, date.today().isoformat(), options.reason))
    if new:
        requests.append(paths.REQUESTS, new)
        print(f"added to {paths.REQUESTS}: {len(new)}; carry it out: dvc repro; then commit the file with the results")
