"""Score what approximate unlearning left as the states of the ensemble are scored, beside before and exact forgetting.

The service takes an unlearned member for the retrained one: in the aggregation it stands for the images that are
retained, so that it abstains on a class of which none is.
"""

from dataclasses import replace
from pathlib import Path

from sisa.attacks import areas
from sisa.attacks.population import Suspects, suspects
from sisa.base import paths
from sisa.base.files import read_json, write_json
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import Loss, loss_of
from sisa.evaluation.scoring import EvaluationSet, Predictions
from sisa.inference import outputs
from sisa.inference.outputs import ModelOutputs
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.states import BEFORE, RETRAINED, members_by_state

UNLEARNED, EXACT = "unlearned", "exact"
Models = dict[Path, ModelOutputs]
Members = dict[str, dict[str, ModelOutputs]]  # by state and shard


def main() -> None:
    params, to_forget = load(), forget_set.read(paths.FORGET_SET)
    asked, models = outputs.read(paths.LOGITS)
    _, unlearned = outputs.read(paths.LOGITS_UNLEARNED)
    on = scoring.evaluation_set(asked, params.class_names, to_forget)
    shards, forgotten = tables.read_shards(paths.SHARDS, params.shards), to_forget.classes
    accused = suspects(asked, shards, params.class_names, forgotten) if forgotten else None

    found = {}
    if to_forget.affected:
        counted = read_json(paths.approximating(params), dict)
        price = counted.pop(paths.BASELINE_FULL.as_posix())
        baselines, members = conventional(params, models, unlearned), services(params, to_forget, models, unlearned)
        found["conventional"] = cost([price]) | of_baselines(baselines, on, accused)
        found["members"] = cost([*counted.values()]) | of_members(members, loss_of(params.train), on, accused)
    write_json(Path("metrics/unlearner.json"), found)


def conventional(params: Params, models: Models, unlearned: Models) -> dict[str, ModelOutputs]:
    """The conventional model in each state; one that retains nothing has no outputs."""
    model = paths.unlearned(params, paths.BASELINE_FULL)
    by_state = {BEFORE: paths.BASELINE_FULL, UNLEARNED: model, EXACT: paths.BASELINE_RETRAINED}
    return {state: (models | unlearned)[each] for state, each in by_state.items() if each in models | unlearned}


def services(params: Params, to_forget: ForgetSet, models: Models, unlearned: Models) -> Members:
    """The members of the ensemble in each state; one that retains nothing has no outputs."""
    states = outputs.by_state(members_by_state(params, to_forget), models)
    exact = states[RETRAINED]
    replaced = {
        name: replace(unlearned[paths.unlearned(params, paths.members(params) / name)], counts=member.counts)
        for name, member in exact.items()
        if name in to_forget.affected
    }
    return {BEFORE: states[BEFORE], UNLEARNED: exact | replaced, EXACT: exact}


def of_baselines(models: dict[str, ModelOutputs], on: EvaluationSet, accused: Suspects | None) -> dict[str, dict]:
    """By state, the scores of a conventional model, and what it knows."""
    answers = {state: scoring.of_model(model) for state, model in models.items()}
    return {
        state: scores(answers[state], answers.get(EXACT), on, accused) | {"knowledge": scoring.knowledge(model, on)}
        for state, model in models.items()
    }


def of_members(members: Members, loss: Loss, on: EvaluationSet, accused: Suspects | None) -> dict[str, dict]:
    """By state, the scores of the ensemble by each aggregation, and what each member knows."""
    answers = {state: scoring.by_every_aggregation([*each.values()], on, loss) for state, each in members.items()}
    return {
        state: {name: scores(each, answers[EXACT][name], on, accused) for name, each in by.items()}
        | {"knowledge": {name: scoring.knowledge(model, on) for name, model in members[state].items()}}
        for state, by in answers.items()
    }


def scores(predictions: Predictions, exact: Predictions | None, on: EvaluationSet, accused: Suspects | None) -> dict:
    """Utility on both sets of images, UA, RA and TA, the population attack, and how far it is from exact forgetting."""
    scored = accused.population(predictions) if accused else {}
    found = scoring.utility(predictions, on) | scoring.unlearning(predictions, on)
    if scored:
        found |= areas.of_one_run({("population", "", "", origin): each for origin, each in scored.items()})
    different = exact is not None and predictions is not exact
    return found | ({"against_exact": scoring.against(predictions, exact, on)} if different else {})


def cost(counted: list[dict[str, int]]) -> dict[str, int]:
    """Samples that exact forgetting takes, that the budget allowed, and that were counted, over all these models."""
    keys = {"exact_samples": "exact", "budget": "budget", "samples": "samples"}
    return {name: sum(each[key] for each in counted) for name, key in keys.items()}
