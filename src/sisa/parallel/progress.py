"""Every stage at a glance: a live table in a terminal, else a line when a stage starts and one when it ends."""

import time
from collections.abc import Callable, Iterable

from rich.console import Console
from rich.live import Live
from rich.table import Table

from sisa.parallel.graph import DONE, FAILED, RUNNING, WAITING, Ended


class Progress:
    """Kept up to date through `started` and `ended`; `line` gives what a running stage last said."""

    def __init__(self, stages: Iterable[str], line: Callable[[str], str]):
        self.state, self.since, self.seconds = dict.fromkeys(stages, WAITING), {}, {}
        self.line, self.console = line, Console(highlight=False)
        self.live = Live(get_renderable=self.table, console=self.console, refresh_per_second=2)

    def __enter__(self) -> "Progress":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_) -> None:
        self.live.stop()

    def started(self, stages: set[str]) -> None:
        for stage in sorted(stages - self.since.keys()):
            self.since[stage] = time.monotonic()
            self.become(stage, RUNNING)

    def ended(self, stages: Ended) -> None:
        self.started(set(stages))
        for stage in stages.keys() - self.seconds.keys():
            self.seconds[stage] = time.monotonic() - self.since[stage]
            self.become(stage, FAILED if stages[stage] else DONE, f" after {self.seconds[stage]:.0f} s")

    def become(self, stage: str, state: str, more: str = "") -> None:
        self.state[stage] = state
        if not self.console.is_terminal:
            print(f"{state:8} {stage}{more}", flush=True)

    def table(self) -> Table:
        table = Table("stage", "state", "seconds", "says", box=None)
        for stage, state in self.state.items():
            running = state == RUNNING
            seconds = time.monotonic() - self.since[stage] if running else self.seconds.get(stage)
            shown = "" if seconds is None else f"{seconds:.0f}"
            table.add_row(stage, state, shown, self.line(stage)[-80:] if running else "")
        return table
