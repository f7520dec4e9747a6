"""Retrain the member of one shard on what is retained; keep it as it is where nothing was removed."""

from dataclasses import asdict

from sisa.base import paths
from sisa.base.files import write_json
from sisa.base.params import load
from sisa.data import tables
from sisa.data.images import Shard
from sisa.training.resume import retrain


def main(name: str) -> None:
    params = load()
    retained = tables.read(paths.RETAINED / f"{name}.parquet", Shard)
    counted = retrain(name, retained, paths.members(params) / name, paths.retrained(params) / name, params)
    write_json(paths.retraining(params, name), asdict(counted))
