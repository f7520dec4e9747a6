"""Score the ensemble before, after and retrained, and both baselines, on the test set and on the training images."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from sisa import forgotten, plots
from sisa.accounting import bill
from sisa.answers import Answers, ask, decide
from sisa.common import paths, tables
from sisa.common.files import write_csv, write_json
from sisa.common.images import Images, Shard
from sisa.common.params import Params, load
from sisa.ensemble import AGGREGATIONS
from sisa.forgotten import Forgotten
from sisa.learning import checkpoints
from sisa.learning.training import be_deterministic
from sisa.metrics import accuracies
from sisa.unlearning import holds

BASELINES = (paths.BASELINE_FULL, paths.BASELINE_RETRAINED)


def main() -> None:
    params = load()
    be_deterministic(params.train.threads)
    sets = {"held_out": tables.read(paths.TEST, Images), "training_images": tables.read(paths.UNION, Images)}
    shards = {name: tables.read(paths.SHARDS / f"{name}.parquet", Shard) for name in params.shards}
    request = forgotten.read(paths.FORGOTTEN)
    states = serving(params, request)
    models = list(dict.fromkeys([*states["before"], *states["retrained"], *BASELINES]))
    total = sum(len(images) for images in sets.values())
    with tqdm(total=total, desc="evaluating", unit=" images", disable=None) as bar:
        answers = ask(models, sets, params, bar.update)

    ensembles = {
        state: [answers[member] for member in members if member in answers] for state, members in states.items()
    }
    residual = residual_copies(shards, request)
    scores = {state: score_ensemble(members, residual[state], sets, params) for state, members in ensembles.items()}
    scores["baseline"] = {m.name: score_baseline(answers[m], sets, params) for m in BASELINES if m in answers}
    for name, content in scores.items():
        write_json(paths.METRICS / f"{name}.json", content)
    write_json(paths.METRICS / "summary.json", summary(scores, params.aggregation))
    write_json(paths.METRICS / "cost.json", bill(params, shards, request))
    write_plots(ensembles, sets["held_out"], params)


def serving(params: Params, request: Forgotten) -> dict[str, list[Path]]:
    """The members that each state answers with, in shard order; an empty one among them has no answers."""
    trained, again = paths.members(params), paths.retrained(params)
    return {
        "before": [trained / name for name in params.shards],
        "after": [trained / name for name in params.shards if name not in request.affected],
        "retrained": [(again if name in request.affected else trained) / name for name in params.shards],
    }


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


def score_ensemble(members: list[Answers], residual: int, sets: dict[str, Images], params: Params) -> dict:
    scores: dict = {"members": len(members), "residual_copies": residual}
    for which, images in sets.items():
        scores[which] = {
            aggregation: score(decide(aggregation, members, which, images, params), images, params)
            for aggregation in AGGREGATIONS
        }
    return scores


def score_baseline(model: Answers, sets: dict[str, Images], params: Params) -> dict:
    return {name: score(model.logits[name].argmax(axis=1), images, params) for name, images in sets.items()}


def summary(scores: dict[str, dict], aggregation: str) -> dict:
    """The held-out shares right of each state, by the chosen aggregation, and of each baseline; what members hold."""
    states = {state: scores[state] for state in ("before", "after", "retrained")}
    held_out = {
        state: {"members": each["members"], "residual_copies": each["residual_copies"]} | each["held_out"][aggregation]
        for state, each in states.items()
    }
    held_out |= {name: each["held_out"] for name, each in scores["baseline"].items()}
    return {
        name: {share: value for share, value in each.items() if share != "class"} for name, each in held_out.items()
    }


def score(predicted: np.ndarray, images: Images, params: Params) -> dict:
    actual = np.searchsorted(params.shards, images.classes)
    return accuracies(predicted, actual, params.shards, params.forget.class_)


def write_plots(ensembles: dict[str, list[Answers]], images: Images, params: Params) -> None:
    """Confusion matrices and accuracy per class of each state, by the chosen aggregation; and the loss curves."""
    scores = {}
    for state, members in ensembles.items():
        predicted = decide(params.aggregation, members, "held_out", images, params)
        write_csv(paths.PLOTS / "confusion" / f"{state}.csv", plots.confusion(images.classes, predicted, params.shards))
        scores[state] = score(predicted, images, params)
    write_csv(paths.PLOTS / "accuracy.csv", plots.class_accuracy(scores))
    models = {name: paths.members(params) / name for name in params.shards} | {model.name: model for model in BASELINES}
    write_csv(
        paths.PLOTS / "loss.csv",
        plots.loss_curves({name: checkpoints.read_log(model) for name, model in models.items()}),
    )


if __name__ == "__main__":
    main()
