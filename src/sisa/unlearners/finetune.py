"""Fine-tuning on what is retained, in the hope that the rest is forgotten ("catastrophic forgetting")."""

from collections.abc import Iterator

from sisa.base.params import Finetune
from sisa.training.loop import LogRow
from sisa.unlearners.task import Task


def unlearn(task: Task, settings: Finetune) -> Iterator[LogRow]:
    """The baseline "Finetune" of Golatkar et al. 2020 ("Eternal sunshine of the spotless net"), section 6."""
    yield from task.train(task.optimizer(), task.drawn(task.retain, task.samples), task.cross_entropy)
