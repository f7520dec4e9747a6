"""Score the ensemble before, after and retrained, and both baselines, on the test set and on the training images."""

from pathlib import Path

from tqdm import tqdm

from sisa import forgotten, plots, scoring
from sisa.accounting import bill
from sisa.answers import Answers, ask
from sisa.common import paths, tables
from sisa.common.files import write_csv, write_json
from sisa.common.images import Images, Shard
from sisa.common.params import Params, load
from sisa.ensemble import loss_of
from sisa.forgotten import Forgotten
from sisa.learning import checkpoints
from sisa.learning.training import be_deterministic
from sisa.scoring import HELD_OUT, TRAINING, Exam, Says
from sisa.states import BASELINES, answering, exam_of, serving
from sisa.unlearning import holds

SUMMARY = (
    *("members", "residual_copies", "overall", "retained", "undecided"),
    *("forgotten", "others_taken", "forgotten_auroc"),
)


def main() -> None:
    params = load()
    be_deterministic(params.train.threads)
    sets = {HELD_OUT: tables.read(paths.TEST, Images), TRAINING: tables.read(paths.UNION, Images)}
    shards = {name: tables.read(paths.SHARDS / f"{name}.parquet", Shard) for name in params.shards}
    request = forgotten.read(paths.FORGOTTEN)
    members = serving(params, request)
    models = list(dict.fromkeys([*members["before"], *members["retrained"], *BASELINES]))
    total = sum(len(images) for images in sets.values())
    with tqdm(total=total, desc="evaluating", unit=" images", disable=None) as bar:
        answers = ask(models, sets, params, bar.update)

    exam = exam_of(sets, request, params)
    states = answering(members, answers)
    says = {state: scoring.says_by_aggregation(served, exam, loss_of(params.train)) for state, served in states.items()}
    baselines = {model.name: scoring.says_of_model(answers[model]) for model in BASELINES if model in answers}

    scores: dict[str, dict] = {
        state: {"members": len(states[state]), "residual_copies": copies} | scoring.utility_by_set(says[state], exam)
        for state, copies in residual_copies(shards, request).items()
    }
    scores["baseline"] = {name: scoring.utility(said, exam) for name, said in baselines.items()}
    scores["summary"] = summary(scores, params.aggregation)
    scores["forgetting"] = forgetting(says, baselines, exam)
    scores["members"] = knowledge(answers, members, exam)
    scores["cost"] = bill(params, shards, request)
    for name, content in scores.items():
        write_json(paths.METRICS / f"{name}.json", content)
    write_plots({state: said[params.aggregation] for state, said in says.items()}, scores, sets[HELD_OUT], params)


def residual_copies(shards: dict[str, Shard], request: Forgotten) -> dict[str, int]:
    """Forgotten images, each copy counted, that the members of each state were trained on."""
    held = {name: int(holds(shard, request.ids).sum()) for name, shard in shards.items()}
    left = {name: count - len(request.removed.get(name, [])) for name, count in held.items()}
    unaffected = [name for name in shards if name not in request.affected]
    return {
        "before": sum(held.values()),
        "after": sum(held[name] for name in unaffected),
        "retrained": sum(left.values()),
    }


def summary(scores: dict[str, dict], aggregation: str) -> dict:
    """The held-out shares right of each state, by the chosen aggregation, and of each baseline; what members hold."""
    states = {state: scores[state] | scores[state][HELD_OUT][aggregation] for state in ("before", "after", "retrained")}
    states |= {name: each[HELD_OUT] for name, each in scores["baseline"].items()}
    return {name: {key: each[key] for key in SUMMARY if key in each} for name, each in states.items()}


def forgetting(says: dict[str, dict[str, Says]], baselines: dict[str, Says], exam: Exam) -> dict:
    """UA, RA and TA of each state, by each aggregation, and of the baselines, and how far baseline_retrained is."""
    reference = baselines.get(paths.BASELINE_RETRAINED.name)

    def scored(said: Says) -> dict:
        distances = scoring.against(said, reference, exam) if reference and said is not reference else {}
        return scoring.unlearning(said, exam) | ({"against_baseline_retrained": distances} if distances else {})

    states = {state: {name: scored(each) for name, each in said.items()} for state, said in says.items()}
    return states | {name: scored(said) for name, said in baselines.items()}


def knowledge(answers: dict[Path, Answers], serving: dict[str, list[Path]], exam: Exam) -> dict:
    """Who still names the forgotten class: the members of each state, and the baselines."""
    states = {
        state: {each.name: scoring.knowledge(answers[each], exam) for each in members if each in answers}
        for state, members in serving.items()
    }
    return states | {each.name: scoring.knowledge(answers[each], exam) for each in BASELINES if each in answers}


def write_plots(says: dict[str, Says], scores: dict[str, dict], images: Images, params: Params) -> None:
    """Confusion matrices and accuracy per class of each state, by the chosen aggregation; and the loss curves."""
    for state, said in says.items():
        table = plots.confusion(images.classes, said[HELD_OUT].classes, params.shards)
        write_csv(paths.PLOTS / "confusion" / f"{state}.csv", table)
    held_out = {state: scores[state][HELD_OUT][params.aggregation] for state in says}
    write_csv(paths.PLOTS / "accuracy.csv", plots.class_accuracy(held_out))
    models = {name: paths.members(params) / name for name in params.shards} | {model.name: model for model in BASELINES}
    write_csv(
        paths.PLOTS / "loss.csv",
        plots.loss_curves({name: checkpoints.read_log(model) for name, model in models.items()}),
    )


if __name__ == "__main__":
    main()
