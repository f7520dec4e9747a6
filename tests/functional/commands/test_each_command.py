"""Each command once as people type it, in a process of its own, with real DVC; more of each is tested elsewhere."""

from datetime import date

import pandas as pd
import pytest
from support.repo import made_once

LOW = ("scenarios", "--dataset", "tiny", "--classes", "3", "--leakage", "low")


@pytest.fixture(scope="session")
def used(shared, three_classes_low):
    """A repository in which a scenario was run onto its branch, and its results collected."""

    def make(repo):
        three_classes_low.copied_to(repo.path)
        repo.python("src", *LOW)
        (repo / "README.md").write_text("<!-- results/tiny.csv -->\n<!-- end of results/tiny.csv -->\n")
        repo.python("src", "results")

    return made_once(shared, "used", make)


def test_scenarios_and_results_put_a_scenario_on_its_branch_and_into_the_tables(used):
    assert "scenario/tiny-3-low" in used.git("branch", "--list").printed
    assert set(pd.read_csv(used / "results/tiny.csv")["leakage"]) == {"low"}
    assert "| baseline_full" in (used / "README.md").read_text()


def test_report_and_summary_show_what_was_run(used, low):
    assert "1 run: tiny-3-low" in used.python("src", "report").printed
    assert "residual copies in the retrained ensemble: 3" in low.python("src", "summary").printed


def test_data_forget_and_repro_bring_an_image_in_and_out_again(low):
    assert "added: 0" in low.python("src", "data", "--dataset", "tiny").printed
    assert "added to data/requests.csv: 1" in low.python("src", "forget", "horse/00.png", "--reason", "asked").printed
    low.python("src", "repro", "--jobs", "2")
    assert low.dvc("repro").executed == []
    assert (
        "Proved for 1 image" in low.python("src", "audit").printed or "NOT exact" in low.python("src", "audit").printed
    )


def test_verify_ask_scan_and_stream_look_at_what_there_is(low):
    assert "as from scratch" in low.python("src", "verify", "dog").printed
    assert "on the roster as cat (cat/00.png)" in low.python("src", "ask", "data/raw/tiny/cat/00.png").printed
    assert "photo" in low.python("src", "scan", "cat/00.png", code=1).printed
    assert "nothing to do" in low.python("src", "stream").printed


def test_erase_takes_an_image_that_no_model_saw_out_for_good(low):
    held_by = low.holders()
    spare = next(file for file, shards in held_by.items() if file.startswith("cow"))  # of a class that is not selected
    printed = low.python("src", "erase", spare, "--reason", "asked", "--confirm").printed
    assert "receipts" in printed
    assert not (low / "data/raw/tiny" / spare).exists()
    assert held_by[spare] == []
    assert low.dvc("repro").executed == []

    (receipt,) = (path.relative_to(low.path) for path in (low / "receipts").glob("*.json"))
    audited = low.src("audit").printed
    assert "Proved for 1 image erased for good: no shard in place holds one, and no served member was" in audited
    assert f"Receipts: 1: {receipt}" in audited
    for name in (spare, f"./data/raw/tiny/{spare}"):
        assert low.src("ask", name).printed == f"{name}: erased for good on {date.today()}, receipt {receipt}\n"
    low.git("checkout", "--quiet", "data/rosters/tiny.csv")  # as `dvc exp apply` of an older experiment does
    assert "these were erased and are not marked as that" in low.src("audit", code=1).printed


def test_simulate_needs_no_experiment(untouched, tmp_path):
    few = ("--images", "100", "--shards", "5", "--requests", "5", "--plays", "1")
    untouched.python("src", "simulate", *few, "--out", str(tmp_path / "simulation"))
    assert (tmp_path / "simulation.csv").exists()


def test_repro_says_whether_the_bytes_are_those_of_head(low):
    assert "dvc.lock is that of HEAD: every shard, model and metric is byte for byte" in low.src("repro").printed
    lock = (low / "dvc.lock").read_text()
    weights = low.outputs()["models/shards/tiny-3/dog"]
    (low / "dvc.lock").write_text(lock.replace(weights, "0" * 32 + ".dir"))
    low.commit("As if on another machine")
    (low / "dvc.lock").write_text(lock)
    printed = low.src("repro").printed
    assert "not as committed in HEAD: 2: models/retrained/tiny-3/dog, models/shards/tiny-3/dog\n" in printed
    assert "please report this, with the next line" in printed
    (low / "docs").mkdir(exist_ok=True)
    (low / "conf/config.yaml").write_text((low / "conf/config.yaml").read_text() + "# another experiment\n")
    assert "HEAD" not in low.src("repro").printed
