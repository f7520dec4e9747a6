"""What the outputs of a state or of a model are worth: utility, forgetting, and who still knows."""

from dataclasses import dataclass

import numpy as np

from sisa.base.elementary import softmax
from sisa.data.images import one_of
from sisa.evaluation import metrics
from sisa.evaluation.aggregation import AGGREGATIONS, Loss, predict, probabilities
from sisa.inference.outputs import HELD_OUT, TRAINING, Asked, ModelOutputs
from sisa.unlearning.forget_set import ForgetSet


@dataclass(frozen=True)
class EvaluationSet:
    """The questions: actual classes [n] int64 of each set of images, which training images [n] bool were to be
    forgotten, the class names that the classes index, and those of them that are forgotten.
    """

    actual: dict[str, np.ndarray]
    forgotten: np.ndarray
    classes: list[str]
    forgotten_classes: tuple[str, ...]

    @property
    def numbers(self) -> np.ndarray:
        """Of the forgotten classes, [k] int64."""
        return np.flatnonzero(one_of(np.array(self.classes), self.forgotten_classes))

    @property
    def of_class(self) -> np.ndarray:
        """The held-out images of a forgotten class, [n] bool."""
        return np.isin(self.actual[HELD_OUT], self.numbers)


@dataclass(frozen=True)
class Prediction:
    """Of a set's images: classes [n] int64 (-1: undecided), and probabilities [n, K] float64, None if undecided."""

    classes: np.ndarray
    probabilities: np.ndarray | None


Predictions = dict[str, Prediction]  # by set of images


def evaluation_set(asked: dict[str, Asked], classes: list[str], forget_set: ForgetSet) -> EvaluationSet:
    """classes: the names of all, in order."""
    actual = {name: np.searchsorted(classes, images.classes) for name, images in asked.items()}
    return EvaluationSet(actual, one_of(asked[TRAINING].ids, forget_set.ids), classes, forget_set.classes)


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
    """Of each set: accuracies, calibration error and, where classes are forgotten, their recognition."""
    scores = {}
    for which in (HELD_OUT, TRAINING):
        predicted, actual = predictions[which], on.actual[which]
        scores[which] = metrics.accuracies(predicted.classes, actual, on.classes, on.numbers)
        if predicted.probabilities is not None and len(actual):
            scores[which]["calibration_error"] = metrics.calibration_error(predicted.probabilities, actual)
            scores[which] |= metrics.recognition(predicted.classes, predicted.probabilities, actual, on.numbers)
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
    return metrics.unlearning_accuracies(right[TRAINING], on.forgotten, right[HELD_OUT][~on.of_class])


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
    """How many images of the forgotten classes a model was trained on, the share of held-out ones whose class it names
    (`names`), and that of the other classes for which it names any of them (`names_others`). Empty where no class is
    forgotten.
    """
    if not on.forgotten_classes:
        return {}
    answers, of_class = model.logits[HELD_OUT].argmax(axis=1), on.of_class
    right, named = answers == on.actual[HELD_OUT], np.isin(answers, on.numbers)
    shares = {"names": right[of_class], "names_others": named[~of_class]}
    saw = int(model.counts[on.numbers].sum())
    return {"saw": saw} | {name: float(part.mean()) for name, part in shares.items() if len(part)}
