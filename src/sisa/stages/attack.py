"""Attack what was trained on the class to forget, and compare each state with the exactly retrained ensemble."""

from pathlib import Path

from sisa.attacks.suspects import ByOrigin, suspects
from sisa.base import paths
from sisa.base.files import write_csv, write_json
from sisa.base.params import Params, load
from sisa.data import tables
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import loss_of
from sisa.evaluation.scoring import EvaluationSet, Predictions
from sisa.inference import outputs, shadows
from sisa.inference.outputs import Asked, ModelOutputs
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.states import BASELINES, BEFORE, RETRAINED, RETRAINED_EXACT, STATES, members_by_state

METRICS = Path("metrics")


def main() -> None:
    params = load()
    to_forget = forget_set.read(paths.FORGET_SET)
    asked, models = outputs.read(paths.LOGITS)
    models |= outputs.read(paths.LOGITS_CONTROLS)[1]
    exact = {RETRAINED_EXACT: [paths.retrained_exact(params) / name for name in params.shards]}
    members = outputs.by_state(members_by_state(params, to_forget) | exact, models)
    on = scoring.evaluation_set(asked, to_forget.ids, params.shards, to_forget.class_)
    loss = loss_of(params.train)
    predictions = {state: scoring.by_every_aggregation([*each.values()], on, loss) for state, each in members.items()}
    baselines = {model.name: scoring.of_model(models[model]) for model in BASELINES if model in models}
    write_json(METRICS / f"{RETRAINED_EXACT}.json", against_exact(predictions, baselines, on))

    found, influence = {}, {}
    if to_forget.class_:
        chosen = {state: each[params.aggregation] for state, each in predictions.items()} | baselines
        found, influence = attacked(asked, chosen, members, to_forget, params)
    write_json(METRICS / "attacks.json", found)
    write_csv(METRICS / "influence.csv", table(influence))


def attacked(
    asked: dict[str, Asked],
    chosen: dict[str, Predictions],
    members: dict[str, dict[str, ModelOutputs]],
    to_forget: ForgetSet,
    params: Params,
) -> tuple[dict, dict[str, dict[str, float]]]:
    """How well each attack does on each target, and how far each image moves its AUC."""
    shards = tables.read_shards(paths.SHARDS, params.shards)
    accused = suspects(asked, shards, to_forget.class_)
    odds = {name: shadows.read(paths.shadows(params) / f"{name}.csv") for name in params.shards}
    odds = {name: each for name, each in odds.items() if each}
    gone = {BEFORE: {}, RETRAINED: to_forget.removed, RETRAINED_EXACT: dict.fromkeys(shards, to_forget.ids)}
    population = {target: accused.by_state(each) for target, each in chosen.items()}
    lira = {state: accused.by_likelihood(members[state], odds, to_forget.class_) for state in gone}
    of_members = {
        state: {name: accused.by_member(each, name, ids.get(name, [])) for name, each in members[state].items()}
        for state, ids in gone.items()
    }
    found = {"population": numbers(population), "lira": numbers(lira)}
    found["members"] = {state: numbers(each) for state, each in of_members.items()}
    influence = {}  # by `lira/before/leaked`
    for attack, targets in {"population": population, "lira": lira}.items():
        for target, origins in targets.items():
            influence |= {f"{attack}/{target}/{origin}": each.influence for origin, each in origins.items()}
    return found, influence


def numbers(found: dict[str, ByOrigin]) -> dict[str, dict[str, dict[str, float]]]:
    return {target: {name: each.numbers for name, each in origins.items()} for target, origins in found.items()}


def table(influence: dict[str, dict[str, float]]) -> list[tuple]:
    """One row an image, by the start of its id, and one column an AUC; empty where that does not rest on the image."""
    images, moved = sorted(set().union(*influence.values())), influence.values()
    rows = [
        (image[:16], *(f"{round(each[image], 9):.4g}" if image in each else "" for each in moved)) for image in images
    ]
    return [("image", *influence), *rows]


def against_exact(
    predictions: dict[str, dict[str, Predictions]], baselines: dict[str, Predictions], on: EvaluationSet
) -> dict:
    """UA, RA and TA of the exactly retrained ensemble by each aggregation, and how far each state is from it."""
    exact = predictions[RETRAINED_EXACT]
    found: dict = {RETRAINED_EXACT: {name: scoring.unlearning(each, on) for name, each in exact.items()}}
    for state in STATES:
        found[state] = {name: scoring.against(each, exact[name], on) for name, each in predictions[state].items()}
    for model, each in baselines.items():
        found[model] = {name: scoring.against(each, exact[name], on) for name in exact}
    return found
