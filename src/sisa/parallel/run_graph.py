"""Run a graph on this machine or on a cluster, with its progress in sight."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from sisa.base.errors import BadInput
from sisa.parallel.graph import Ended, Needs, walk
from sisa.parallel.progress import Progress


def run_graph(needs: Needs, executor) -> None:
    """Raises BadInput where a stage failed, naming its log."""
    with closed(executor), Progress(needs, executor.line) as progress:

        def tick(ended: Ended) -> None:
            progress.ended(ended)
            progress.started(executor.started())

        ended = walk(needs, executor.submit, executor.attempts, tick)
    if failed := [f"{name} failed, see {failure}" for name, failure in ended.items() if failure]:
        if held_back := ", ".join(sorted(needs.keys() - ended.keys())):
            failed.append(f"not started: {held_back}")
        raise BadInput("; ".join(failed))


@contextmanager
def stoppable() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end what runs inside. Raises BadInput when they have."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)  # also where a shell has started this in the background
    try:
        yield
    except KeyboardInterrupt:
        raise BadInput("stopped; the stages that ended are kept, and the same command goes on from there") from None


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
