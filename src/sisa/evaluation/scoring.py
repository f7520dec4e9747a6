"""What the outputs of a state or of a model are worth: utility, forgetting, and who still knows."""

from dataclasses import dataclass

import numpy as np

from sisa.base.elementary import softmax
from sisa.evaluation import metrics
from sisa.evaluation.aggregation import AGGREGATIONS, Loss, predict, probabilities
from sisa.inference.outputs import HELD_OUT, TRAINING, Asked, ModelOutputs


@dataclass(frozen=True)
class EvaluationSet:
    """The questions: actual classes [n] int64 of each set of images, which training images [n] bool were to be
    forgotten, the class names that the classes index, and the forgotten class (None: none).
    """

    actual: dict[str, np.ndarray]
    forgotten: np.ndarray
    classes: list[str]
    forgotten_class: str | None

    @property
    def of_class(self) -> np.ndarray | None:
        """The held-out images of the forgotten class, [n] bool."""
        if self.forgotten_class is None:
            return None
        return self.actual[HELD_OUT] == self.classes.index(self.forgotten_class)


@dataclass(frozen=True)
class Prediction:
    """Of a set's images: classes [n] int64 (-1: undecided), and probabilities [n, K] float64, None if undecided."""

    classes: np.ndarray
    probabilities: np.ndarray | None


Predictions = dict[str, Prediction]  # by set of images


def evaluation_set(
    asked: dict[str, Asked], forgotten: list[str], classes: list[str], class_: str | None
) -> EvaluationSet:
    """forgotten: the ids of the forget set; class_: the class to forget."""
    actual = {name: np.searchsorted(classes, images.classes) for name, images in asked.items()}
    return EvaluationSet(actual, np.isin(asked[TRAINING].ids, forgotten), classes, class_)


def aggregated(
    aggregation: str, members: list[ModelOutputs], which: str, shape: tuple[int, int], loss: Loss
) -> Prediction:
    """What members predict together of the n images of a set, by one aggregation; shape: n and the number of classes.

    There may be no member. loss is the one that they were trained with.
    """
    logits = np.array([member.logits[which] for member in members]).reshape(len(members), *shape)
    counts = np.array([member.counts for member in members]).reshape(len(members), shape[1])
    together = (aggregation, logits, counts, loss)
    return Prediction(predict(*together), probabilities(*together))


def by_every_aggregation(members: list[ModelOutputs], on: EvaluationSet, loss: Loss) -> dict[str, Predictions]:
    """What an ensemble predicts of each set, by name of the aggregation."""
    return {
        name: {
            which: aggregated(name, members, which, (len(actual), len(on.classes)), loss)
            for which, actual in on.actual.items()
        }
        for name in AGGREGATIONS
    }


def of_model(model: ModelOutputs) -> Predictions:
    return {name: Prediction(logits.argmax(axis=1), softmax(logits)) for name, logits in model.logits.items()}


def utility(predictions: Predictions, on: EvaluationSet) -> dict[str, dict]:
    """Of each set: accuracies, calibration error and, where a class is forgotten, its recognition."""
    scores = {}
    for which in (HELD_OUT, TRAINING):
        predicted, actual = predictions[which], on.actual[which]
        scores[which] = metrics.accuracies(predicted.classes, actual, on.classes, on.forgotten_class)
        if predicted.probabilities is not None and len(actual):
            scores[which]["calibration_error"] = metrics.calibration_error(predicted.probabilities, actual)
            if on.forgotten_class is not None:
                number = on.classes.index(on.forgotten_class)
                scores[which] |= metrics.recognition(predicted.classes, predicted.probabilities, actual, number)
    return scores


def utility_by_set(predictions: dict[str, Predictions], on: EvaluationSet) -> dict[str, dict[str, dict]]:
    """The same for each aggregation, by set of images and then by aggregation."""
    scores = {name: utility(each, on) for name, each in predictions.items()}
    return {which: {name: each[which] for name, each in scores.items()} for which in (HELD_OUT, TRAINING)}


def unlearning(predictions: Predictions, on: EvaluationSet) -> dict[str, float]:
    """UA, RA and TA; empty where nothing was decided."""
    if any(predictions[which].probabilities is None for which in (HELD_OUT, TRAINING)):
        return {}
    right = {which: predictions[which].classes == on.actual[which] for which in (HELD_OUT, TRAINING)}
    held_out = right[HELD_OUT] if on.of_class is None else right[HELD_OUT][~on.of_class]
    return metrics.unlearning_accuracies(right[TRAINING], on.forgotten, held_out)


def gaps(predictions: Predictions, reference: Predictions, on: EvaluationSet) -> dict[str, float]:
    """Average gap and ToW over UA, RA and TA from a reference that never saw what was forgotten; empty where either is
    undecided.
    """
    return metrics.gaps(unlearning(predictions, on), unlearning(reference, on))


def against(predictions: Predictions, reference: Predictions, on: EvaluationSet) -> dict[str, float]:
    """How far the predictions of an ensemble are from those of one that never saw what was forgotten.

    The gaps, and the Jensen-Shannon distance on forgotten and on held-out images. Empty where either is undecided; a
    distance over no image is absent.
    """
    scores = gaps(predictions, reference, on)
    if not scores:
        return {}
    parts = {"forgotten": (TRAINING, on.forgotten), "held_out": (HELD_OUT, slice(None))}
    for name, (which, rows) in parts.items():
        ours, theirs = (each[which].probabilities[rows] for each in (predictions, reference))
        if len(ours):
            scores[f"js_distance_{name}"] = metrics.distance(ours, theirs)
    return scores


def floor(others: list[Predictions], reference: Predictions, on: EvaluationSet) -> dict[str, float]:
    """How far ensembles trained like the reference, with other seeds, are from it: the mean of each distance of
    `against`. What is no further was not told from the reference. Empty where there is none, or one is undecided.
    """
    found = [against(each, reference, on) for each in others]
    if not found or not all(found):
        return {}
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}


def knowledge(model: ModelOutputs, on: EvaluationSet) -> dict:
    """How many images of the forgotten class a model was trained on, and how often it names that class: the share of
    held-out images of it (`names`) and of the other classes (`names_others`). Empty where no class is forgotten.
    """
    if on.of_class is None:
        return {}
    number = on.classes.index(on.forgotten_class)
    named = model.logits[HELD_OUT].argmax(axis=1) == number
    shares = {"names": named[on.of_class], "names_others": named[~on.of_class]}
    return {"saw": int(model.counts[number])} | {name: float(part.mean()) for name, part in shares.items() if len(part)}
