"""Stages on a real Ray cluster: a head without cores and two nodes on this machine, each with clones and a cache of its
own, that have only a Git repository and a folder for DVC in common."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ray.cluster_utils import Cluster
from support.machines import OLD
from support.remotes import Remote, published
from support.repo import ROOT, Outcome, Repo, environment
from support.side_by_side import RAN, TRAIN, results, run_again, sabotage

from sisa.parallel.jobs import Job
from sisa.parallel.worker import run_stage
from sisa.repository.git import git

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def cluster():
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield cluster
    cluster.shutdown()


@pytest.fixture
def nodes(cluster, tmp_path):
    """Two nodes of the cluster, one of them an old machine, by the folder in which each works."""
    kinds, own = {str(tmp_path / "first"): {}, str(tmp_path / "second"): OLD}, {"RAN": str(tmp_path / "ran")}
    nodes = {
        folder: cluster.add_node(num_cpus=1, env_vars=own | kind | {"SISA_WORKERS": folder})
        for folder, kind in kinds.items()
    }
    yield nodes
    for node in cluster.worker_nodes & set(nodes.values()):
        cluster.remove_node(node)


@pytest.fixture
def ready(fresh):
    """The repository as a worker needs it, nothing run."""
    shutil.copy(ROOT / "requirements.txt", fresh / "requirements.txt")
    return fresh


def publish(repo: Repo, tmp_path: Path) -> Path:
    repo.commit("What workers shall run")
    return published(repo, Remote(str(tmp_path / "storage"), {"verify": "true"}))


def test_a_node_that_dies_takes_one_stage_with_it_and_the_result_is_that_of_the_serial_run(
    ready, cluster, nodes, three_classes_low, tmp_path
):
    ready.compose("classes=3", "leakage=low")
    trained, go = tmp_path / "trained", tmp_path / "go"
    original = (ready / TRAIN).read_text()
    sabotage(
        ready,
        "    import os, time\n"
        f"    print(name, os.environ['SISA_WORKERS'], file=open({str(trained)!r}, 'a'))\n"
        f"    while name == 'dog' and not os.path.exists({str(go)!r}):\n        time.sleep(0.1)\n",
    )
    publish(ready, tmp_path)
    command = [sys.executable, "src", "repro", "--ray", cluster.address]
    with subprocess.Popen(
        command,
        cwd=ready.path,
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        while not (begun := [line.split() for line in lines(trained) if line.startswith("dog ")]):
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.2)
        cluster.remove_node(nodes[begun[0][1]], allow_graceful=False)
        go.touch()
        printed, _ = run.communicate()
    assert run.returncode == 0, printed
    assert Outcome(0, printed).executed == ["split", "unlearn"]  # by the coordinator: it found all others cached
    assert sorted(line.split()[0] for line in lines(trained)) == ["cat", "dog", "dog", "horse"]
    assert results(ready) == results(three_classes_low)

    (ready / TRAIN).write_text(original)
    ready.dvc("commit", "--force")
    assert ready.locked() == three_classes_low.locked()


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def test_a_worker_with_other_cpu_instructions_is_refused_unless_all_is_exact(ready, cluster, tmp_path):
    ready.edit_params({"train.precision": "float32"})
    node = cluster.add_node(num_cpus=1, env_vars={"ATEN_CPU_CAPABILITY": "default"})
    publish(ready, tmp_path)
    refused = ready.python("src", "repro", "--ray", cluster.address, code=1)
    cluster.remove_node(node)
    assert "workers must equal this environment: on " in refused.complaint
    assert "CPU is DEFAULT, not " in refused.complaint
    assert not (ready / "dvc.lock").exists()


def test_what_is_not_committed_or_has_no_remote_is_refused(ready, tmp_path):
    ready.commit("What workers shall run")
    assert "dvc remote add" in ready.python("src", "repro", "--ray", "auto", code=1).complaint
    Remote(str(tmp_path / "storage")).add_to(ready)
    assert "dvc remote modify storage verify true" in ready.python("src", "repro", "--ray", "auto", code=1).complaint
    (ready / "src/sisa/cost/closed_forms.py").write_text("")
    assert (
        "commit first: src/sisa/cost/closed_forms.py" in ready.python("src", "repro", "--ray", "auto", code=1).complaint
    )


def test_scenarios_on_ray_share_stages_and_leave_nothing_to_run(serial_grid, cluster, nodes, tmp_path):
    assert run_again(serial_grid, tmp_path, "--ray", cluster.address) == (RAN, [])


def test_what_is_damaged_in_the_remote_is_computed_again(tmp_path, monkeypatch):
    repo = Repo(tmp_path / "small")
    repo.initialize()
    (repo / "members").write_text("cat\n")
    (repo / ".gitignore").write_text("/copies\n")
    evaluate = "cp members metrics.json; mkdir plots; cat members members > plots/all; cp members copies"
    kept = [{"plots": {"cache": False}}, "copies"]
    metrics = [{"metrics.json": {"cache": False}}]
    repo.write_stages({"evaluate": {"cmd": evaluate, "deps": ["members"], "outs": kept, "metrics": metrics}})
    hub = publish(repo, tmp_path)
    for variable, value in environment(tmp_path).items():
        monkeypatch.setenv(variable, value)
    job = Job(str(hub), git("rev-parse", "HEAD", folder=repo.path).strip(), "", clones=str(tmp_path / "clones"))
    report = run_stage(job, "evaluate", [], {"schema": "2.0", "stages": {}}, print)
    assert report["failure"] is None
    assert repo.dvc("repro", "--pull").executed == []
    assert (repo / "plots/all").read_text() == "cat\ncat\n"

    second = repo.copied_to(tmp_path / "second")
    second.git("clean", "--force", "-d", "-x", "--quiet")
    damaged = next(
        file for file in (tmp_path / "storage").rglob("*") if file.is_file() and file.read_text() == "cat\ncat\n"
    )
    damaged.chmod(0o644)
    damaged.write_text("dog\ndog\n")
    damaged.chmod(0o444)
    assert second.dvc("repro", "--pull").executed == ["evaluate"]
    assert second.locked() == repo.locked()
