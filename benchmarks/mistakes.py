"""What some mistakes of the notebooks would have shown, on the experiment as it lies in the workspace.

    python benchmarks/mistakes.py

Each row is the retrained ensemble, overall and on the forgotten class, by averaged logits (the notebooks' aggregation)
and as it should be, but for one mistake. In benchmarks/mistakes-DATASET.csv. `dvc repro` first.
"""

import sys

import pandas as pd
from tabulate import tabulate

sys.path.insert(0, "src")

from sisa import forgotten, scoring
from sisa.answers import ask
from sisa.common import paths, tables
from sisa.common.images import Images
from sisa.common.params import load
from sisa.learning.training import be_deterministic
from sisa.scoring import HELD_OUT, TRAINING
from sisa.states import exam_of, serving


def main() -> None:
    params = load()
    be_deterministic(params.train.threads)
    request = forgotten.read(paths.FORGOTTEN)
    sets = {HELD_OUT: tables.read(paths.TEST, Images), TRAINING: tables.read(paths.UNION, Images)}
    retrained = serving(params, request)["retrained"]
    place = params.shards.index(request.class_)
    neighbour = (place + 1) % len(params.shards)
    first, other = paths.members(params) / request.class_, retrained[neighbour]
    ensembles = {
        "none": retrained,
        f"the first {request.class_} member put back": [*retrained[:place], first, *retrained[place + 1 :]],
        f"{other.name}'s member put in its place": [*retrained[:place], other, *retrained[place + 1 :]],
    }
    answers = ask(list({model for models in ensembles.values() for model in models}), sets, params)
    exam = exam_of(sets, request, params)
    rows = []
    for mistake, models in ensembles.items():
        for aggregation in ("mean_logits", "prior_corrected"):
            members = [answers[model] for model in models if model in answers]
            said = scoring.says_of_ensemble(aggregation, members, exam, params.train.logit_adjustment)
            scores = scoring.utility(said, exam)
            rows.append((mistake, aggregation, *shares(scores[HELD_OUT])))
            if mistake == "none":
                rows.append(("scored on training images", aggregation, *shares(scores[TRAINING])))
    table = pd.DataFrame(rows, columns=["mistake", "aggregation", "overall", f"forgotten ({request.class_})"])
    table.to_csv(f"benchmarks/mistakes-{params.dataset.name}.csv", index=False)
    print(tabulate(table, headers="keys", tablefmt="github", showindex=False))


def shares(scores: dict) -> tuple[str, str]:
    return tuple(f"{scores[name]:.1%}" if name in scores else "-" for name in ("overall", "forgotten"))


if __name__ == "__main__":
    main()
