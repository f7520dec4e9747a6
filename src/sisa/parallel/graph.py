"""Walk a graph of stages: each starts when all that it needs has ended well; nothing here knows who runs it."""

from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from graphlib import TopologicalSorter

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
TICK = 0.5  # seconds between two looks at what runs

Needs = Mapping[str, set[str]]
Ended = Mapping[str, str | None]  # how stages ended: what failed, in one line, or None where nothing did


def walk(
    needs: Needs, submit: Callable[[str], Future], attempts: int = 1, tick: Callable[[Ended], None] = lambda ended: None
) -> Ended:
    """How each stage of `needs` (stage -> the stages that it waits for) ended; those that never started are absent.

    `submit` starts a stage and gives the future of how it ends. A stage that fails is submitted up to `attempts` times;
    one that still fails holds back what needs it, and the rest goes on. `tick` is called with what has ended.
    """
    sorter, weight = TopologicalSorter(needs), followers(needs)
    sorter.prepare()
    running: dict[Future, str] = {}
    tried: dict[str, int] = {}
    ended: dict[str, str | None] = {}

    def start(name: str) -> None:
        tried[name] = tried.get(name, 0) + 1
        running[submit(name)] = name

    while True:
        # What most others wait for comes first: the last stages then end side by side.
        for name in sorted(sorter.get_ready(), key=lambda name: (-weight[name], name)):
            start(name)
        tick(ended)
        if not running:
            return ended
        for future in wait(running, timeout=TICK, return_when=FIRST_COMPLETED).done:
            name, failure = running.pop(future), future.result()
            if failure and tried[name] < attempts:
                start(name)
                continue
            ended[name] = failure
            if not failure:
                sorter.done(name)


def followers(needs: Needs) -> dict[str, int]:
    """How many stages wait for each one, directly or not."""
    found: dict[str, set[str]] = {name: set() for name in needs}
    for name in reversed([*TopologicalSorter(needs).static_order()]):
        for needed in needs[name]:
            found[needed] |= {name} | found[name]
    return {name: len(names) for name, names in found.items()}


def due(needs: Needs, changed: set[str]) -> Needs:
    """The part of the graph that changed or follows something that did."""
    names: set[str] = set()
    for name in TopologicalSorter(needs).static_order():
        if name in changed or needs[name] & names:
            names.add(name)
    return {name: needs[name] & names for name in names}
