"""Attack what was trained on the classes to forget, and compare each state with the exactly retrained ensemble."""

from pathlib import Path

import numpy as np

from sisa.attacks import areas, lira, scores
from sisa.attacks.population import suspects
from sisa.attacks.scores import Place, Scores
from sisa.base import paths
from sisa.base.files import write_json
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.data.images import Candidates
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import AGGREGATIONS, loss_of
from sisa.evaluation.scoring import EvaluationSet, Predictions
from sisa.inference import outputs
from sisa.inference.outputs import Asked
from sisa.unlearning import forget_set
from sisa.unlearning.states import AFTER, BASELINES, BEFORE, RETRAINED, RETRAINED_EXACT, STATES, members_by_state

METRICS = Path("metrics")
ByState = dict[str, dict[str, Predictions]]  # by state and aggregation


def main() -> None:
    params = load()
    to_forget = forget_set.read(paths.FORGET_SET)
    asked, models = outputs.read(paths.LOGITS)
    models |= outputs.read(paths.LOGITS_CONTROLS)[1]
    exact = {RETRAINED_EXACT: [paths.retrained_exact(params) / name for name in params.shards]}
    members = outputs.by_state(members_by_state(params, to_forget) | exact, models)
    on = scoring.evaluation_set(asked, params.class_names, to_forget)
    loss = loss_of(params.train)
    predictions = {state: scoring.by_every_aggregation([*each.values()], on, loss) for state, each in members.items()}
    baselines = {model.name: scoring.of_model(models[model]) for model in BASELINES if model in models}
    write_json(METRICS / f"{RETRAINED_EXACT}.json", against_exact(predictions, baselines, on))

    found: dict[Place, Scores] = {}
    if to_forget.classes:
        found = by_answers(asked, predictions, baselines, to_forget.classes, params)
        answered = {name: outputs.read(paths.shadows(params) / f"{name}.parquet")[1] for name in params.shards}
        candidates = tables.read(paths.CANDIDATES, Candidates)
        actual = np.searchsorted(params.class_names, candidates.classes)
        found |= lira.scores(candidates, answered, asked, members, to_forget.affected, actual, loss)
    write_json(METRICS / "attacks.json", areas.of_one_run(found) if found else {})
    scores.write(METRICS / "scores.parquet", found)


def by_answers(
    asked: dict[str, Asked],
    predictions: ByState,
    baselines: dict[str, Predictions],
    forgotten: tuple[str, ...],
    params: Params,
) -> dict[Place, Scores]:
    """The population attack on every state and model, and the difference attack on every later state."""
    accused = suspects(asked, tables.read_shards(paths.SHARDS, params.shards), params.class_names, forgotten)
    targets = [(state, name, each) for state, by in predictions.items() for name, each in by.items()]
    targets += [(model, "", each) for model, each in baselines.items()]
    found = {
        ("population", target, aggregation, origin): each
        for target, aggregation, answers in targets
        for origin, each in accused.population(answers).items()
    }
    for later in (AFTER, RETRAINED):
        for name in AGGREGATIONS:
            differences = accused.difference(predictions[BEFORE][name], predictions[later][name])
            found |= {("difference", later, name, origin): each for origin, each in differences.items()}
    return found


def against_exact(predictions: ByState, baselines: dict[str, Predictions], on: EvaluationSet) -> dict:
    """UA, RA and TA of the exactly retrained ensemble by each aggregation, and how far each state is from it."""
    exact = predictions[RETRAINED_EXACT]
    found: dict = {RETRAINED_EXACT: {name: scoring.unlearning(each, on) for name, each in exact.items()}}
    for state in STATES:
        found[state] = {name: scoring.against(each, exact[name], on) for name, each in predictions[state].items()}
    for model, each in baselines.items():
        found[model] = {name: scoring.against(each, exact[name], on) for name in exact}
    return found
