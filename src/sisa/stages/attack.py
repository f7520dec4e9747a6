"""Attack what was trained on the class to forget, and compare each state with the exactly retrained ensemble."""

from collections.abc import Iterator
from pathlib import Path

from sisa.attacks import shadows
from sisa.attacks.suspects import ByOrigin, suspects
from sisa.base import paths
from sisa.base.files import write_csv, write_json
from sisa.base.params import load
from sisa.data import outputs, tables
from sisa.evaluation import scoring
from sisa.evaluation.aggregation import loss_of
from sisa.evaluation.scoring import EvaluationSet, Predictions
from sisa.unlearning import forget_set
from sisa.unlearning.states import BASELINES, BEFORE, RETRAINED, RETRAINED_EXACT, STATES, members_by_state

METRICS = Path("metrics")
ByTarget = dict[str, ByOrigin]


def main() -> None:
    params = load()
    asked, models = outputs.read(paths.LOGITS)
    models |= outputs.read(paths.LOGITS_EXACT)[1]
    to_forget = forget_set.read(paths.FORGET_SET)
    exact = {RETRAINED_EXACT: [paths.retrained_exact(params) / name for name in params.shards]}
    members = {
        state: {member.name: models[member] for member in folders if member in models}
        for state, folders in (members_by_state(params, to_forget) | exact).items()
    }
    on = scoring.evaluation_set(asked, to_forget.ids, params.shards, to_forget.class_)
    predictions = {
        state: scoring.by_every_aggregation([*each.values()], on, loss_of(params.train))
        for state, each in members.items()
    }
    baselines = {model.name: scoring.of_model(models[model]) for model in BASELINES if model in models}
    write_json(METRICS / f"{RETRAINED_EXACT}.json", against_exact(predictions, baselines, on))

    found: dict = {}
    influence: dict[str, dict[str, float]] = {}
    if to_forget.class_:
        shards = tables.read_shards(paths.SHARDS, params.shards)
        accused = suspects(asked, shards, to_forget.class_)
        chosen = {state: each[params.aggregation] for state, each in predictions.items()} | baselines
        population = {target: accused.by_state(each) for target, each in chosen.items()}
        odds = {name: shadows.read(paths.shadows(params) / f"{name}.csv") for name in params.shards}
        odds = {name: each for name, each in odds.items() if each}
        gone = {BEFORE: {}, RETRAINED: to_forget.removed, RETRAINED_EXACT: dict.fromkeys(shards, to_forget.ids)}
        lira = {state: accused.by_likelihood(members[state], odds, to_forget.class_) for state in gone}
        found = {"population": numbers(population), "lira": numbers(lira), "members": {}}
        for state, of_shard in gone.items():
            by_member = {
                name: accused.by_member(each, name, of_shard.get(name, [])) for name, each in members[state].items()
            }
            found["members"][state] = numbers(by_member)
        influence = dict([*columns("population", population), *columns("lira", lira)])
    write_json(METRICS / "attacks.json", found)
    write_csv(METRICS / "influence.csv", table(influence))


def numbers(found: ByTarget) -> dict[str, dict[str, dict[str, float]]]:
    return {target: {name: each.numbers for name, each in origins.items()} for target, origins in found.items()}


def columns(attack: str, found: ByTarget) -> Iterator[tuple[str, dict[str, float]]]:
    """`lira/before/leaked`, and how far each image moves that AUC."""
    for target, origins in found.items():
        for origin, each in origins.items():
            yield f"{attack}/{target}/{origin}", each.influence


def table(influence: dict[str, dict[str, float]]) -> list[tuple]:
    """One row an image, by the start of its id, and one column an AUC; empty where that does not rest on the image."""
    images = sorted(set().union(*influence.values()))
    rows = [
        (image[:16], *(f"{column[image]:.4g}" if image in column else "" for column in influence.values()))
        for image in images
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
