"""What the stages print: one log each."""

from pathlib import Path


def log_of(folder: Path, stage: str) -> Path:
    return folder / f"{stage.replace('/', '_')}.log"


def last_line(log: Path) -> str:
    """The last line with something on it, as a progress bar leaves it."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 4096))
            lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
    except FileNotFoundError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
