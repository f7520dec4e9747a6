"""The house as its own imports draw it: `python tools/house.py` prints the rooms, their lines, and the arrows."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src"
LAYERS = (  # from the ground up: a room imports only rooms to its left
    *("base", "data", "sources", "sharding", "training", "unlearners"),
    *("unlearning", "inference", "evaluation", "attacks", "cost"),
    *("stages", "repository", "scenarios", "erasure", "parallel", "publishing", "exploration", "commands"),
)


def room(file: Path) -> str:
    return file.relative_to(SRC / "sisa").parts[0]


def modules() -> list[Path]:
    return sorted(SRC.glob("sisa/*/**/*.py"))


def module_file(name: str) -> Path | None:
    """The file of a module of ours; None for others, and for what is no module but a name in one."""
    place = SRC.joinpath(*name.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def imported(file: Path) -> set[Path]:
    """The files of our rooms that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write the whole name of the module"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {module_file(name) for name in names if name.startswith("sisa.")} - {None}


def closure(file: Path) -> set[Path]:
    reached, waiting = set(), {file}
    while waiting:
        reached |= waiting
        waiting = set().union(*map(imported, waiting)) - reached
    return reached


def arrows() -> set[tuple[str, str]]:
    """From the room that imports to the one that is imported."""
    pairs = {(room(file), room(other)) for file in modules() for other in imported(file)}
    return {(importer, other) for importer, other in pairs if importer != other}


def lines(name: str) -> int:
    return sum(len(file.read_text().splitlines()) for file in modules() if room(file) == name)


def main() -> None:
    pairs = arrows()
    for name in reversed(LAYERS):
        needs = [other for other in LAYERS if (name, other) in pairs]
        print(f"{name:12}{lines(name):6,}  {', '.join(needs)}")
    print(f"{len(LAYERS)} rooms, {len(pairs)} arrows, {sum(map(lines, LAYERS)):,} lines")


if __name__ == "__main__":
    main()
