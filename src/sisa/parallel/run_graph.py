"""Run a graph on this machine or on a cluster, with its progress in sight."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sisa.base.errors import BadInput
from sisa.parallel.graph import Ended, Needs, walk
from sisa.parallel.progress import Progress


def carry_out(needs: Needs, executor) -> None:
    """Raises BadInput where a stage failed, naming its log."""
    with closed(executor), Progress(needs, executor.line) as progress:

        def tick(ended: dict[str, Ended]) -> None:
            progress.ended(ended)
            progress.started(executor.started())

        ended = walk(needs, executor.submit, executor.attempts, tick)
    if failed := {name: each.failure for name, each in ended.items() if each.failure}:
        told = "; ".join(f"{name} failed, see {failure}" for name, failure in failed.items())
        held_back = (
            f"; not started: {', '.join(sorted(needs.keys() - ended.keys()))}" if len(ended) < len(needs) else ""
        )
        raise BadInput(told + held_back)


@contextmanager
def closed(executor) -> Iterator[None]:
    """End what still runs, whatever happened; a second Ctrl-C does not disturb that."""
    try:
        yield
    finally:
        before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
        executor.close()
        for number, handler in before.items():
            signal.signal(number, handler)
