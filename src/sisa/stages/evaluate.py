"""Score the ensemble before, after and retrained, and both baselines, on the test set and on the training images."""

from pathlib import Path

from sisa.base import paths
from sisa.base.files import write_csv, write_json
from sisa.base.params import Params, load
from sisa.evaluation import plots, scoring
from sisa.evaluation.aggregation import loss_of
from sisa.evaluation.scoring import EvaluationSet, Predictions
from sisa.inference import outputs
from sisa.inference.outputs import HELD_OUT, Asked, ModelOutputs
from sisa.unlearning import forget_set
from sisa.unlearning.forget_set import ForgetSet
from sisa.unlearning.states import AFTER, BASELINES, BEFORE, RETRAINED, STATES, members_by_state

METRICS, PLOTS = Path("metrics"), Path("plots")
SUMMARY = (
    *("members", "residual_copies", "residual_near_copies", "overall", "retained", "undecided"),
    *("forgotten", "others_taken", "forgotten_auroc"),
)


def main() -> None:
    params = load()
    asked, models = outputs.read(paths.LOGITS)
    to_forget = forget_set.read(paths.FORGET_SET)
    on = scoring.evaluation_set(asked, params.class_names, to_forget)
    members = outputs.by_state(members_by_state(params, to_forget), models)
    baselines = {model.name: models[model] for model in BASELINES if model in models}
    loss = loss_of(params.train)
    predictions = {state: scoring.by_every_aggregation([*each.values()], on, loss) for state, each in members.items()}
    of_baselines = {name: scoring.of_model(model) for name, model in baselines.items()}

    scores: dict[str, dict] = {
        state: {"members": len(members[state]), "residual_copies": copies, "residual_near_copies": near}
        | scoring.utility_by_set(predictions[state], on)
        for state, (copies, near) in residual_copies(to_forget).items()
    }
    scores["baseline"] = {name: scoring.utility(each, on) for name, each in of_baselines.items()}
    scores["summary"] = summary(scores, params.aggregation)
    scores["forgetting"] = forgetting(predictions, of_baselines, on)
    scores["members"] = knowledge(members, baselines, on)
    for name, content in scores.items():
        write_json(METRICS / f"{name}.json", content)
    chosen = {state: each[params.aggregation] for state, each in predictions.items()}
    write_plots(chosen, scores, asked[HELD_OUT], params)


def residual_copies(to_forget: ForgetSet) -> dict[str, tuple[int, int]]:
    """Images to forget, each copy and each near copy counted, that the members of each state were trained on."""
    removed, residual = map(to_forget.copies, (to_forget.removed, to_forget.residual))
    after = {name: ids for name, ids in to_forget.residual.items() if name not in to_forget.affected}
    before = (removed[0] + residual[0], removed[1] + residual[1])
    return {BEFORE: before, AFTER: to_forget.copies(after), RETRAINED: residual}


def summary(scores: dict[str, dict], aggregation: str) -> dict:
    """The held-out shares right of each state, by the chosen aggregation, and of each baseline; what members hold."""
    states = {state: scores[state] | scores[state][HELD_OUT][aggregation] for state in STATES}
    states |= {name: each[HELD_OUT] for name, each in scores["baseline"].items()}
    return {name: {key: each[key] for key in SUMMARY if key in each} for name, each in states.items()}


def forgetting(
    predictions: dict[str, dict[str, Predictions]], baselines: dict[str, Predictions], on: EvaluationSet
) -> dict:
    """UA, RA and TA of each state, by each aggregation, and of the baselines, and how far baseline_retrained is."""
    reference = baselines.get(paths.BASELINE_RETRAINED.name)

    def scored(each: Predictions) -> dict:
        distances = scoring.gaps(each, reference, on) if reference and each is not reference else {}
        return scoring.unlearning(each, on) | ({"against_baseline_retrained": distances} if distances else {})

    states = {state: {name: scored(each) for name, each in by.items()} for state, by in predictions.items()}
    return states | {name: scored(each) for name, each in baselines.items()}


def knowledge(
    members: dict[str, dict[str, ModelOutputs]], baselines: dict[str, ModelOutputs], on: EvaluationSet
) -> dict:
    """Who still names what was forgotten: the members of each state, and the baselines."""
    states = {
        state: {name: scoring.knowledge(model, on) for name, model in each.items()} for state, each in members.items()
    }
    return states | {name: scoring.knowledge(model, on) for name, model in baselines.items()}


def write_plots(chosen: dict[str, Predictions], scores: dict[str, dict], images: Asked, params: Params) -> None:
    """Confusion matrices and accuracy per class of each state, by the chosen aggregation."""
    for state, predictions in chosen.items():
        table = plots.confusion(images.classes, predictions[HELD_OUT].classes, params.class_names)
        write_csv(PLOTS / "confusion" / f"{state}.csv", table)
    held_out = {state: scores[state][HELD_OUT][params.aggregation] for state in chosen}
    write_csv(PLOTS / "accuracy.csv", plots.class_accuracy(held_out))
