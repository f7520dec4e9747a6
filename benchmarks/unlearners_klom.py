"""Is an approximately unlearned model one of those that never saw the images? KLoM over many services, and its floor.

    python benchmarks/unlearners_klom.py [--services 8] [--folder FOLDER] [-S KEY=VALUE ...]

N services of each kind are trained, which differ in their seeds alone: conventional models on all images, which each
unlearner of conf/unlearner changes at each budget; models that never saw a forgotten image; and as many of these again,
whose distance is the floor. What each answers is kept in FOLDER (a temporary one, unless named): a benchmark that was
cut short goes on. benchmarks/unlearners_klom.csv has the excess over the floor by origin of the images, with its 95 %
interval over services (src/sisa/evaluation/klom.py), of the models as trained (`before`) and of each unlearner.
"""

import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import machine
from unlearners import BEFORE, BUDGETS, ROOT, arguments, compose, enter, unlearners

from sisa.base import paths
from sisa.base.params import Params
from sisa.cost import budgets
from sisa.data import tables
from sisa.data.images import Images
from sisa.evaluation import klom, scoring
from sisa.inference import logits, outputs
from sisa.inference.oracles import AGAIN, ORACLE
from sisa.inference.outputs import HELD_OUT, TRAINING, ModelOutputs
from sisa.stages import prepare, split, unlearn
from sisa.training.fit import fit
from sisa.unlearners.apply import unlearn as unlearn_model
from sisa.unlearning import forget_set

TABLE = ROOT / "benchmarks/unlearners_klom.csv"
ANOTHER_SEED = 1000  # between kinds, of services with one number
MODEL, CHANGED = Path("models/service"), Path("models/changed")
Kind = tuple[str, float]  # an unlearner with its budget; others have the budget 0


def main() -> None:
    options = arguments(__doc__, "--services", 8)
    with tempfile.TemporaryDirectory() as temporary:
        enter(options.folder or Path(temporary))
        compose(options.choices)
        for stage in (prepare, split, unlearn):
            stage.main()
        for number in tqdm(range(options.services), desc="services of each kind", disable=None):
            if not file_of(number).exists():
                outputs.write(file_of(number), sets(), services(number, options.choices))
        table = distances(options.services, compose(options.choices))
    table.to_csv(TABLE, index=False)
    print(tabulate(table, headers="keys", showindex=False))


def file_of(number: int) -> Path:
    return Path("models", f"services-{number}.parquet")


def sets() -> dict[str, Images]:
    return {HELD_OUT: tables.read(paths.TEST, Images), TRAINING: tables.read(paths.UNION, Images)}


def services(number: int, choices: list[str]) -> dict[Path, ModelOutputs]:
    """What one service of each kind answers, by its kind."""
    union, retained = (tables.read(path, Images) for path in (paths.UNION, paths.UNION_RETAINED))
    params, found = compose([*choices, f"seed={number}"]), {}
    for place, (kind, images) in enumerate({ORACLE: retained, AGAIN: retained, BEFORE: union}.items()):
        seeded = params.model_copy(update={"seed": number + place * ANOTHER_SEED})
        fit(MODEL, "baseline", images, np.zeros(len(images), dtype=np.int64), 1, seeded)
        found[name_of((kind, 0))] = answers(MODEL, params)
    for name, budget in product(unlearners(), BUDGETS):
        params = compose([*choices, f"seed={number}", f"unlearner={name}", f"unlearner.budget={budget}"])
        found[name_of((name, budget))] = changed(params, union)
    return found


def changed(params: Params, union: Images) -> ModelOutputs:
    """What the model answers when the unlearner has changed it."""
    to_forget = forget_set.read(paths.FORGET_SET)
    prices = budgets.prices(tables.read_shards(paths.SHARDS, params.shards), union, to_forget, params)
    gone, samples = union.among(to_forget.ids), prices[paths.BASELINE_FULL].budget
    unlearn_model(MODEL, union, gone, samples, CHANGED, params)
    return answers(CHANGED, params)


def answers(model: Path, params: Params) -> ModelOutputs:
    return logits.predict_logits([model], sets(), params)[model]


def name_of(kind: Kind) -> Path:
    return Path(kind[0], str(kind[1]))


def distances(count: int, params: Params) -> pd.DataFrame:
    """One row a kind and origin of images."""
    to_forget = forget_set.read(paths.FORGET_SET)
    read = [outputs.read(file_of(number)) for number in range(count)]
    asked = read[0][0]
    on = scoring.evaluation_set(asked, params.class_names, to_forget)

    def of(kind: Kind) -> list[scoring.Predictions]:
        return [scoring.of_model(models[name_of(kind)]) for _, models in read]

    oracles, again, rows = of((ORACLE, 0)), of((AGAIN, 0)), []
    for kind in [(BEFORE, 0), *product(unlearners(), BUDGETS)]:
        found = klom.scores(klom.Services(of(kind), oracles, again), on, klom.origins(asked, to_forget))
        about = {"unlearner": kind[0], "budget": kind[1], "services": count}
        rows += [about | {"origin": origin} | each for origin, each in found.items()]
    return pd.DataFrame(rows).round(4)


if __name__ == "__main__":
    machine.run(main)
