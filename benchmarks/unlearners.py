"""What one could have done instead: approximate unlearners beside exact forgetting, at shares of its price.

    python benchmarks/unlearners.py [--runs 5] [--folder FOLDER] [-S KEY=VALUE ...]

Run i has seed and split_seed i, and what -S composes. Its stages are those of the pipeline, called without DVC in
FOLDER (a temporary one, unless named): all that exact forgetting needs, once; then, for each unlearner of
conf/unlearner and each budget, those that unlearn approximately. `again` is exact forgetting once more, with another
seed: two exact references differ by the noise floor. Each answer is appended to benchmarks/unlearners-runs.csv, and
what stands there is not run again: a benchmark that was cut short goes on, at the cost of its run's exact models.

benchmarks/unlearners.csv and the picture beside it are made of these lines: means over the runs, of the conventional
model and of the ensemble by params.aggregation. Accuracy, recall of the forgotten class and its AUROC against the rest
are of held-out images; the AUC is that of the population attack on forgotten images that one shard held. `off` are mean
distances, in points, from the exact reference of the same run: of accuracy, of UA, RA and TA on average (gap), of the
AUROC and of the AUC. `close`: accuracy is within one point of the reference, and neither gap nor AUROC nor AUC is shown
to be further from it than `again` is: none of the 95 % intervals of these paired differences over the runs (Student's
t) lies above 0.
"""

import argparse
import os
import shutil
import sys
import tempfile
from dataclasses import asdict
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from dvc.utils.hydra import compose_and_dump
from matplotlib.figure import Figure
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import machine

from sisa.base import paths
from sisa.base.files import append_csv, read_json, write_json
from sisa.base.params import Params, load
from sisa.cost import budgets
from sisa.data import tables
from sisa.data.images import Images, Shard
from sisa.evaluation.intervals import half_width
from sisa.stages import (
    approximate,
    baseline_full,
    baseline_retrained,
    evaluate_unlearned,
    predict,
    predict_unlearned,
    prepare,
    retrain,
    split,
    train_shards,
    unlearn,
)
from sisa.training.fit import fit
from sisa.unlearning import forget_set

ROOT = Path(__file__).parents[1]
RUNS, TABLE = ROOT / "benchmarks/unlearners-runs.csv", ROOT / "benchmarks/unlearners.csv"
BUDGETS = (0.05, 0.1, 0.25)
BEFORE, EXACT, AGAIN = "before", "exact", "again"
ANOTHER_SEED = 1000  # of the reference that is trained again
TARGETS = ("conventional", "members")
DISTANCES = ("accuracy", "gap", "auroc", "attack")
KEYS = ["unlearner", "budget", "run", "target"]
COLUMNS = [*KEYS, "samples", "exact_samples", "accuracy", "retained", "forgotten", "auroc", "attack", "gap"]


def main() -> None:
    options = arguments(__doc__, "--runs", 5)
    with tempfile.TemporaryDirectory() as temporary:
        enter(options.folder or Path(temporary))
        for run in tqdm(range(options.runs), desc="runs", disable=None):
            one_run(run, [(AGAIN, 1.0), *product(unlearners(), BUDGETS)], options.choices)
    table = summary(pd.read_csv(RUNS))
    table.to_csv(TABLE, index=False)
    draw(table).savefig(TABLE.with_suffix(".png"), dpi=110, metadata={"Software": None})
    print(tabulate(table, headers="keys", showindex=False))


def arguments(description: str, how_many: str, default: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(how_many, type=int, default=default)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("-S", dest="choices", action="append", default=[])
    return parser.parse_args()


def unlearners() -> list[str]:
    return sorted(file.stem for file in (ROOT / "conf/unlearner").glob("*.yaml") if file.stem != "none")


def enter(folder: Path) -> None:
    """Work in this folder, which has the images and what names them."""
    for name in ("conf", "data/raw", "data/rosters"):
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True)
    shutil.copy(ROOT / "data/requests.csv", folder / "data")
    (folder / "models").mkdir(exist_ok=True)
    os.chdir(folder)


def one_run(run: int, cells: list[tuple[str, float]], choices: list[str]) -> None:
    done = pd.read_csv(RUNS)[["run", "unlearner", "budget"]].values.tolist() if RUNS.exists() else []
    left = [cell for cell in cells if [run, *cell] not in done]
    if not left:
        return
    always = [*choices, f"seed={run}", f"split_seed={run}"]
    exactly(compose(always))
    for name, budget in tqdm(left, desc=f"unlearners of run {run}", disable=None):
        chosen = "finetune" if name == AGAIN else name
        params = compose([*always, f"unlearner={chosen}", f"unlearner.budget={budget}"])
        reference_again(params) if name == AGAIN else approximate.main()
        predict_unlearned.main()
        evaluate_unlearned.main()
        states = {name: "unlearned"} | ({BEFORE: BEFORE, EXACT: EXACT} if name == AGAIN else {})
        append_csv(RUNS, COLUMNS, [row for each in states.items() for row in rows(*each, budget, run, params)])


def compose(choices: list[str]) -> Params:
    """Write params.yaml as `dvc exp run -S CHOICE ...` does."""
    compose_and_dump("params.yaml", str(ROOT / "conf"), None, "config", str(ROOT / ".dvc"), choices)
    return load()


def exactly(params: Params) -> None:
    """Everything up to the logits of the models as trained and of those that forgot exactly."""
    prepare.main()
    split.main()
    for name in params.shards:
        train_shards.main(name)
    unlearn.main()
    for name in params.shards:
        retrain.main(name)
    baseline_full.main()
    baseline_retrained.main()
    predict.main()


def reference_again(params: Params) -> None:
    """Put exact models of another seed where approximate ones would be."""
    other = params.model_copy(update={"seed": params.seed + ANOTHER_SEED})
    shards, union = tables.read_shards(paths.SHARDS, params.shards), tables.read(paths.UNION, Images)
    to_forget = forget_set.read(paths.FORGET_SET)
    counted = {}
    for model, price in budgets.prices(shards, union, to_forget, params).items():
        folder = paths.unlearned(params, model)
        if model == paths.BASELINE_FULL:
            images = tables.read(paths.UNION_RETAINED, Images)
            fit(folder, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, other)
        else:
            retained = tables.read(paths.RETAINED / f"{model.name}.parquet", Shard)
            fit(folder, model.name, retained, retained.slices, params.slices, other)
        counted[model.as_posix()] = asdict(price) | {"samples": price.exact}
    write_json(paths.approximating(params), counted)


def rows(name: str, state: str, budget: float, run: int, params: Params) -> list[list[str]]:
    """A line a target, of one state in metrics/unlearner.json."""
    found = read_json(Path("metrics/unlearner.json"), dict)
    lines = []
    for target in TARGETS:
        of = found[target][state]
        scores = of if target == "conventional" else of[params.aggregation]
        samples = {"unlearned": found[target]["samples"], BEFORE: 0, EXACT: found[target]["exact_samples"]}[state]
        held_out = scores["held_out"]
        attack = scores.get("population", {}).get("dominant", {}).get("auc", "")  # too few images
        values = (
            *(samples, found[target]["exact_samples"], held_out["overall"], held_out["retained"]),
            *(held_out["forgotten"], held_out["forgotten_auroc"], attack),
            scores.get("against_exact", {}).get("average_gap", 0.0),
        )
        lines.append([name, str(budget), str(run), target, *map(str, values)])
    return lines


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """One row a target, unlearner and budget: means over the runs, distances in points."""
    exact = found[found["unlearner"] == EXACT].set_index(["run", "target"])
    reference = exact.loc[pd.MultiIndex.from_frame(found[["run", "target"]])]
    for name in ("accuracy", "auroc", "attack"):
        found[f"{name} off"] = (found[name] - reference[name].to_numpy()).abs() * 100
    found["gap off"] = found["gap"] * 100
    noise = found[found["unlearner"] == AGAIN].set_index(["run", "target"]).loc[reference.index]
    for name in DISTANCES[1:]:
        found[f"{name} excess"] = found[f"{name} off"] - noise[f"{name} off"].to_numpy()
    found["share"] = found["samples"] / found["exact_samples"]
    table = found.groupby(["target", "unlearner", "budget"], sort=False).agg(
        runs=("run", "size"),
        **{
            name: (name, "mean")
            for name in ("samples", "share", "accuracy", "retained", "forgotten", "auroc", "attack")
        },
        **{f"{name} off": (f"{name} off", "mean") for name in DISTANCES},
    )
    table = table.reset_index()
    excesses = [f"{name} excess" for name in DISTANCES[1:]]
    least = found.groupby(["target", "unlearner", "budget"], sort=False)[excesses].agg(lowest).to_numpy()
    table["close"] = (table["accuracy off"] <= 1) & (least <= 0).all(axis=1)
    return table.sort_values("target", kind="stable").round(4)


def lowest(excess: pd.Series) -> float:
    """The lower end of its 95 % interval over the runs."""
    known = excess.dropna().to_numpy()
    return float(known.mean() - half_width(known)) if len(known) > 1 else -np.inf


def draw(table: pd.DataFrame) -> Figure:
    """How far each unlearner is from the exact reference, by what it may cost; dashed: the noise floor."""
    figure = Figure(figsize=(10, 7), layout="constrained")
    titles = {"gap off": "UA, RA and TA", "auroc off": "AUROC of the forgotten class"}
    for axes, (target, off) in zip(figure.subplots(2, 2, sharex=True).flat, product(TARGETS, titles), strict=True):
        of_target = table[table["target"] == target]
        for name, points in of_target.groupby("unlearner", sort=False):
            if name == AGAIN:
                axes.axhline(points[off].iloc[0], linestyle="--", color="black", label="exact, another seed")
            elif name not in (BEFORE, EXACT):
                axes.plot(points["budget"] * 100, points[off], "o-", label=name)
        axes.set(title=f"{target}: {titles[off]}", ylabel="points from exact", ylim=(0, None))
        axes.set(xlabel="samples, % of exact forgetting")
        axes.spines[["top", "right"]].set_visible(False)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


if __name__ == "__main__":
    machine.run(main)
