"""Each stage's deps in dvc.yaml name every source file that it imports, or its whole package, and no other."""

import ast
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]


def module_file(name: str) -> Path | None:
    """The file of a module of ours; None for others, and for what is no module but a name in one."""
    place = SRC.joinpath(*name.split("."))
    return next((file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()), None)


def imported(file: Path) -> set[Path]:
    """The files of ours that a file imports anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write the whole name of the module"
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files = {module_file(name) for name in names if name.split(".")[0] == "sisa"} - {None}
    if SRC / "sisa/raw/__init__.py" in files:  # it imports the module of the data set's kind by name
        files |= set(SRC.glob("sisa/raw/*.py"))
    return files


def closure(file: Path) -> set[Path]:
    reached, waiting = set(), {file}
    while waiting:
        reached |= waiting
        waiting = set().union(*map(imported, waiting)) - reached
    return reached


def listed(stage: dict) -> set[Path]:
    """The source files in a stage's deps, a folder standing for those in it."""
    paths = [ROOT / dep for dep in stage.get("do", stage)["deps"] if dep.startswith("src")]
    return {file for path in paths for file in (path.glob("*.py") if path.is_dir() else [path])}


def whole(files: set[Path]) -> set[Path]:
    """With all files of the packages that are listed whole: each entry in dvc.lock makes every run of DVC slower."""
    packages = {SRC / "sisa/common", SRC / "sisa/learning"}
    return files | {file for package in packages & {file.parent for file in files} for file in package.glob("*.py")}


def with_content(files: set[Path]) -> set[str]:
    """Names as in dvc.yaml; an empty __init__.py cannot change anything."""
    return {str(file.relative_to(ROOT)) for file in files if file.read_text().strip()}


@pytest.mark.parametrize("name", STAGES)
def test_deps_are_the_source_files_that_a_stage_imports(name):
    needed = closure(SRC / f"sisa/stages/{name}.py") | closure(SRC / "__main__.py")
    assert with_content(listed(STAGES[name])) == with_content(whole(needed))


def test_every_stage_has_a_module_and_every_module_a_stage():
    assert set(STAGES) == {file.stem for file in SRC.glob("sisa/stages/[a-z]*.py")}
