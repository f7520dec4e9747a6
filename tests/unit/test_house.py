"""The house: which room may import which, and what the stages depend on."""

import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
import yaml
from house import LAYERS, ROOT, SRC, arrows, closure, imported, modules, room

STAGES = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
EXPERIMENT = LAYERS[: LAYERS.index("stages") + 1]  # what a result can depend on
NO_SISA = ("repository", "parallel")  # rooms that know Git, DVC and their graph, and nothing of the experiment


def test_every_module_is_in_a_room():
    assert {room(file) for file in modules()} == set(LAYERS)
    assert [file.name for file in SRC.glob("sisa/*.py")] == ["__init__.py"]


def test_no_room_imports_one_above_it():
    upwards = [pair for pair in sorted(arrows()) if LAYERS.index(pair[0]) < LAYERS.index(pair[1])]
    assert upwards == []


def test_nobody_but_a_stage_imports_a_stage():
    assert [importer for importer, other in arrows() if other == "stages"] == []


def test_nothing_that_a_result_depends_on_imports_the_rest():
    assert [pair for pair in arrows() if pair[0] in EXPERIMENT and pair[1] not in EXPERIMENT] == []


def test_repository_and_parallel_know_nothing_of_the_experiment():
    assert {other for importer, other in arrows() if importer in NO_SISA} <= {"base", *NO_SISA}


def test_modules_import_each_other_in_no_circle():
    TopologicalSorter({file: imported(file) - {file} for file in modules()}).prepare()


def test_base_knows_no_metrics_plots_or_pages():
    files = SRC.glob("sisa/base/*.py")
    assert [
        file.name for file in files for word in ("metrics/", "plots/", "results/", "html") if word in file.read_text()
    ] == []
    assert all(word not in (SRC / "sisa/base/paths.py").read_text() for word in ("metrics", "plots", "results"))


def listed(stage: dict) -> list[str]:
    return [dep for dep in stage.get("do", stage)["deps"] if dep.startswith("src")]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_its_own_file_and_on_the_whole_rooms_that_it_imports(name):
    reached = closure(SRC / f"sisa/stages/{name}.py")
    rooms = [f"src/sisa/{each}" for each in LAYERS if each in {room(file) for file in reached}]
    rooms.remove("src/sisa/stages")
    assert listed(STAGES[name]) == [f"src/sisa/stages/{name}.py", *rooms]


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_names_its_data_before_its_code(name):
    deps = STAGES[name].get("do", STAGES[name])["deps"]
    assert deps == [*(dep for dep in deps if not dep.startswith("src")), *listed(STAGES[name])]


def test_every_stage_has_a_module_and_every_module_a_stage():
    assert set(STAGES) == {file.stem for file in SRC.glob("sisa/stages/[a-z]*.py")}


def test_stages_that_only_count_import_no_torch():
    """Its import takes longer than they do."""
    stages = "import sisa.stages.validate, sisa.stages.evaluate, sisa.stages.cost, sisa.stages.attack"
    code = f"import sys; {stages}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=SRC, check=True)
