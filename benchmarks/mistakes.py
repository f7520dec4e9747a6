"""What some mistakes of the notebooks would have shown.

    make scenarios OPTIONS="--classes 5 --leakage high --seeds 0 1 2 -S attacks.shadows=0"
    python benchmarks/mistakes.py scenario/5-high scenario/5-high-seed1 scenario/5-high-seed2

Each row is the retrained ensemble, overall and on the forgotten class, by averaged logits (the notebooks' aggregation)
and as it should be, but for one mistake. Several revisions are runs of one scenario: mean ± standard deviation. In
benchmarks/mistakes-DATASET-CLASSES-LEAKAGE.csv.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from dvc.repo import Repo
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

from sisa.base import paths
from sisa.base.errors import BadInput
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Images, Pool, Shard
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import loss_of
from sisa.inference.logits import predict_logits
from sisa.inference.outputs import HELD_OUT, TRAINING
from sisa.publishing.readable import percent
from sisa.repository.git import git
from sisa.sharding.deal import draw_classes
from sisa.sources import roster
from sisa.training.fit import fit
from sisa.training.loop import be_deterministic
from sisa.unlearning import forget_set
from sisa.unlearning.states import RETRAINED, members_by_state

REDRAWN = "redrawn"
NONE = "none"
SCORED = {NONE: HELD_OUT, "scored on training images": TRAINING, "scored on the held-out images of a new draw": REDRAWN}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("revisions", nargs="+", help="branches or commits whose outputs are in DVC's cache")
    runs, scenarios = [], set()
    for revision in tqdm(parser.parse_args().revisions, unit="run", disable=None):
        with checked_out(revision):
            params = load()
            scenarios.add(f"{paths.scenario(params)}-{leakage(params)}")
            runs.append(measured(params))
    if len(scenarios) > 1:
        raise BadInput(f"these are runs of several scenarios: {', '.join(sorted(scenarios))}")
    shares = pd.concat(runs).groupby(["mistake", "aggregation"], sort=False).agg(percent).reset_index()
    shares.to_csv(f"benchmarks/mistakes-{scenarios.pop()}.csv", index=False)
    print(tabulate(shares, headers="keys", tablefmt="github", showindex=False))


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[None]:
    """Work in a clone that has the files of this revision, those in DVC included."""
    with tempfile.TemporaryDirectory() as folder:
        git("clone", "--quiet", "--shared", "--no-checkout", ".", folder)
        git("checkout", "--quiet", "--detach", git("rev-parse", revision).strip(), folder=Path(folder))
        for command in (["cache", "dir", "--local", Repo().cache.local_cache_dir], ["checkout", "dvc.yaml"]):
            subprocess.run([sys.executable, "-m", "dvc", *command], cwd=folder, check=True, capture_output=True)
        with contextlib.chdir(folder):
            yield


def measured(params: Params) -> pd.DataFrame:
    be_deterministic(params.threads)
    request = forget_set.read(paths.FORGET_SET)
    sets = {HELD_OUT: tables.read(paths.TEST, Images), TRAINING: tables.read(paths.UNION, Images)}
    sets[REDRAWN] = redrawn(params)
    on = scoring.evaluation_set(sets, params.class_names, request)
    (class_,) = request.classes
    rows = []
    with tempfile.TemporaryDirectory(prefix=".mistakes-", dir="models") as scratch:
        ensembles = mistaken(members_by_state(params, request)[RETRAINED], class_, Path(scratch), params)
        answers = predict_logits(list({model for models in ensembles.values() for model in models}), sets, params)
    for mistake, models in ensembles.items():
        members = [answers[model] for model in models if model in answers]
        predictions = scoring.by_every_aggregation(members, on, loss_of(params.train))
        for aggregation in ("mean_logits", "prior_corrected"):
            scores = scoring.utility(predictions[aggregation], on)
            for name, which in SCORED.items() if mistake == NONE else [(mistake, HELD_OUT)]:
                rows.append((name, aggregation, scores[which]["overall"], scores[which]["forgotten"]))
    return pd.DataFrame(rows, columns=["mistake", "aggregation", "overall", f"forgotten ({class_})"])


def redrawn(params: Params) -> Images:
    """The held-out images of another split_seed, most of which the members were trained on."""
    pool = tables.read(paths.POOL, Pool)
    draws = draw_classes(
        roster.read(paths.roster(params.dataset.name)),
        params.model_copy(update={"split_seed": params.split_seed + 1}),
    )
    held_out = np.isin(pool.ids, [image for draw in draws.values() for image in draw.test])
    return Images(pool.ids[held_out], pool.classes[held_out], pool.pixels[held_out])


def mistaken(retrained: list[Path], class_: str, scratch: Path, params: Params) -> dict[str, list[Path]]:
    """The members that answer, by mistake."""
    place = params.shards.index(class_)
    other = retrained[(place + 1) % len(params.shards)]
    instead = {
        NONE: retrained[place],
        f"the first {class_} member put back": paths.members(params) / class_,
        f"{other.name}'s member put in its place": other,
        "retrained by another recipe": retrained_differently(class_, scratch, params),
    }
    return {name: [*retrained[:place], model, *retrained[place + 1 :]] for name, model in instead.items()}


def retrained_differently(class_: str, scratch: Path, params: Params) -> Path:
    """The class's member at a tenth of the learning rate, for twice the epochs and in batches of 0.64 of the size."""
    slower = params.train.optimizer.model_copy(update={"learning_rate": params.train.optimizer.learning_rate / 10})
    changes = {"optimizer": slower, "epochs": 2 * params.train.epochs, "batch_size": params.train.batch_size * 16 // 25}
    recipe = params.model_copy(update={"train": params.train.model_copy(update=changes)})
    retained = tables.read(paths.RETAINED / f"{class_}.parquet", Shard)
    fit(scratch / class_, class_, retained, retained.slices, params.slices, recipe)
    return scratch / class_


def leakage(params: Params) -> str:
    """The level in conf/leakage that these parameters are."""
    if params.leakage.leaked == 0:
        return "none"
    return "high" if params.leakage.reach == "all" else "low"


if __name__ == "__main__":
    machine.run(main)
