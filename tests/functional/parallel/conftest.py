"""A grid of cheap scenarios, to be run again in other ways."""

import shutil

import pytest
from support.remotes import Remote, published
from support.repo import ROOT, Repo, made_once
from support.side_by_side import GRID


@pytest.fixture(scope="session")
def serial_grid(shared, untouched):
    """A grid of cheap scenarios as the serial way runs it, published; its stages note in $RAN that they ran."""

    def make(repo: Repo) -> None:
        untouched.copied_to(repo.path)
        shutil.copy(ROOT / "requirements.txt", repo / "requirements.txt")
        split = "echo split >> $RAN; cp data/rosters/tiny.csv data/pool.parquet"
        train = "echo train >> $RAN; mkdir -p models; cat data/pool.parquet params.yaml > models/cat"
        evaluate = "echo evaluate >> $RAN; mkdir -p plots/confusion; cp models/cat plots/confusion/cat"
        pool, cat, plots = "data/pool.parquet", "models/cat", {"plots/confusion": {"cache": False}}
        repo.write_stages(
            {
                "split": {"cmd": split, "deps": ["data/rosters/tiny.csv"], "params": ["split_seed"], "outs": [pool]},
                "train": {"cmd": train, "deps": [pool], "params": ["forget"], "outs": [cat]},
                "evaluate": {"cmd": evaluate, "deps": [cat], "outs": [plots]},
            }
        )
        repo.commit("Cheap stages")
        published(repo, Remote(str(shared / "serial_grid/storage"), {"verify": "true"}))
        repo.src(*GRID, RAN="/dev/null")

    return made_once(shared, "serial_grid", make)
