"""Retrain the member of one shard on what is retained; keep it as it is where nothing was removed."""

import sys
from dataclasses import asdict

from sisa.common import paths, tables
from sisa.common.files import write_json
from sisa.common.images import Shard
from sisa.common.params import load
from sisa.retraining import retrain


def main(name: str) -> None:
    params = load()
    retained = tables.read(paths.RETAINED / f"{name}.parquet", Shard)
    bill = retrain(name, retained, paths.members(params) / name, paths.retrained(params) / name, params)
    write_json(paths.retraining(params, name), asdict(bill))


if __name__ == "__main__":
    main(sys.argv[1])
