"""What the answers of a state or of a model are worth: utility, forgetting, and who still knows."""

from dataclasses import dataclass

import numpy as np

from sisa import metrics
from sisa.answers import Answers
from sisa.ensemble import AGGREGATIONS, Loss, predict, probabilities
from sisa.odds import softmax

HELD_OUT, TRAINING = "held_out", "training_images"


@dataclass(frozen=True)
class Exam:
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
class Say:
    """What is said of each image of a set: a class [n] int64 (-1: undecided), and probabilities [n, K] float64, None
    where all are undecided.
    """

    classes: np.ndarray
    probabilities: np.ndarray | None


Says = dict[str, Say]


def say_together(aggregation: str, members: list[Answers], which: str, shape: tuple[int, int], loss: Loss) -> Say:
    """What members say together of the n images of a set, by one aggregation; shape: n and the number of classes.

    There may be no member. loss is the one that they were trained with.
    """
    logits = np.array([member.logits[which] for member in members]).reshape(len(members), *shape)
    counts = np.array([member.counts for member in members]).reshape(len(members), shape[1])
    together = (aggregation, logits, counts, loss)
    return Say(predict(*together), probabilities(*together))


def says_of_ensemble(aggregation: str, members: list[Answers], exam: Exam, loss: Loss) -> Says:
    return {
        which: say_together(aggregation, members, which, (len(actual), len(exam.classes)), loss)
        for which, actual in exam.actual.items()
    }


def says_by_aggregation(members: list[Answers], exam: Exam, loss: Loss) -> dict[str, Says]:
    return {name: says_of_ensemble(name, members, exam, loss) for name in AGGREGATIONS}


def says_of_model(model: Answers) -> Says:
    return {name: Say(logits.argmax(axis=1), softmax(logits)) for name, logits in model.logits.items()}


def utility(says: Says, exam: Exam) -> dict[str, dict]:
    """Accuracies, calibration error and, where a class is forgotten, its recognition, on each set of images."""
    scores = {}
    for which, say in says.items():
        scores[which] = metrics.accuracies(say.classes, exam.actual[which], exam.classes, exam.forgotten_class)
        if say.probabilities is not None and len(say.classes):
            actual = exam.actual[which]
            scores[which]["calibration_error"] = metrics.calibration_error(say.probabilities, actual)
            if exam.forgotten_class is not None:
                number = exam.classes.index(exam.forgotten_class)
                scores[which] |= metrics.recognition(say.classes, say.probabilities, actual, number)
    return scores


def utility_by_set(says: dict[str, Says], exam: Exam) -> dict[str, dict[str, dict]]:
    """The same for each aggregation, by set of images and then by aggregation."""
    scores = {name: utility(said, exam) for name, said in says.items()}
    return {which: {name: each[which] for name, each in scores.items()} for which in exam.actual}


def unlearning(says: Says, exam: Exam) -> dict[str, float]:
    """UA, RA and TA; empty where nothing was decided."""
    if any(say.probabilities is None for say in says.values()):
        return {}
    right = {name: say.classes == exam.actual[name] for name, say in says.items()}
    held_out = right[HELD_OUT] if exam.of_class is None else right[HELD_OUT][~exam.of_class]
    return metrics.unlearning_accuracies(right[TRAINING], exam.forgotten, held_out)


def against(says: Says, reference: Says, exam: Exam) -> dict[str, float]:
    """How far the answers are from a reference's that never saw what was forgotten.

    Average gap and ToW over UA, RA and TA, and the Jensen-Shannon distance on forgotten and on held-out images. Empty
    where either is undecided; a distance over no image is absent.
    """
    scores = metrics.gaps(unlearning(says, exam), unlearning(reference, exam))
    if not scores:
        return {}
    parts = {"forgotten": (TRAINING, exam.forgotten), "held_out": (HELD_OUT, slice(None))}
    for name, (which, rows) in parts.items():
        ours, theirs = (each[which].probabilities[rows] for each in (says, reference))
        if len(ours):
            scores[f"js_distance_{name}"] = metrics.distance(ours, theirs)
    return scores


def knowledge(model: Answers, exam: Exam) -> dict:
    """How many images of the forgotten class a model was trained on, and how often it names that class: the share of
    held-out images of it (`names`) and of the other classes (`names_others`). Empty where no class is forgotten.
    """
    if exam.of_class is None:
        return {}
    number = exam.classes.index(exam.forgotten_class)
    named = model.logits[HELD_OUT].argmax(axis=1) == number
    shares = {"names": named[exam.of_class], "names_others": named[~exam.of_class]}
    return {"saw": int(model.counts[number])} | {name: float(part.mean()) for name, part in shares.items() if len(part)}
