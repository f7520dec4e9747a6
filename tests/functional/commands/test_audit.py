"""The audit proves what a request removed, and finds what was tampered with; verify trains again and compares."""

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import yaml
from safetensors.numpy import load_file, save_file
from support.repo import Repo

from sisa.data import tables
from sisa.data.images import Shard
from sisa.repository import lock
from sisa.sources import roster

UNDECLARED = "dvc.lock: the entry of {} does not have the command, deps, outs and params of dvc.yaml"
APPEND_ONLY = "data/requests.csv: it is append-only, put these lines back as they were "
IN_HEAD = "(git checkout HEAD -- data/requests.csv, or by hand from git show HEAD:data/requests.csv)"
IN_EARLIER_COMMITS = (
    "(in earlier commits, not in HEAD nor at the end of a branch: "
    "by hand from git log -p --branches -- data/requests.csv)"
)
ON_A_BRANCH = "(on branch asked: git merge asked, or by hand from git show asked:data/requests.csv)"
RETAINED, TRAINED = "models/retrained/tiny-3", "models/shards/tiny-3"


@pytest.fixture
def run(low, monkeypatch):
    """Three classes at low leakage, cat forgotten at scope dominant, as the current folder."""
    monkeypatch.chdir(low.path)
    return low


def failures(repo):
    """The lines in which the audit says what does not hold."""
    outcome = repo.src("audit", code=1)
    assert "listed above" in outcome.complaint
    return [line for line in outcome.printed.splitlines() if line.startswith("FAILED")]


@contextmanager
def edited_lock(repo):
    content = yaml.safe_load((repo / "dvc.lock").read_text())
    yield content["stages"]
    (repo / "dvc.lock").write_text(yaml.safe_dump(content))


def relock(repo):
    """What someone would do who hides a change from DVC: every hash in dvc.lock made to fit the files."""
    with edited_lock(repo) as stages:
        for stage in stages.values():
            for item in [*stage["deps"], *stage["outs"]]:
                item.update(lock.measured(Path(item["path"])).model_dump(exclude_none=True))


def shift_weights(path):
    """The same header over other numbers."""
    content = path.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]
    tensors = load_file(path)
    moved = {name: value + 0.5 for name, value in tensors.items() if name.startswith("weights/") and value.ndim == 2}
    save_file(tensors | moved, path, header)


def test_what_scope_dominant_leaves_is_listed_by_shard(run):
    printed = run.src("audit").printed
    rows = [line.split() for line in printed.splitlines()]
    assert {row[0]: row[3:] for row in rows if row[0] in run.params()["shards"]} == {
        "cat": ["6", "12", "0", "0", "holds"],
        "dog": ["18", "0", "3", "0", "holds"],
        "horse": ["15", "0", "0", "0", "holds"],
    }
    assert "to forget: class cat at scope dominant; taken out of the shards for this: 12 images\n" in printed
    assert "NOT exact: 3 residual copies left; scope all would remove them" in printed


def test_every_entry_of_the_lock_is_what_dvc_wrote(run):
    entries, declared = lock.read(), lock.declared()
    assert entries.keys() == declared.keys() - {"data/raw/tiny.dvc"}
    assert [line for name in entries for line in lock.problems(entries, declared, name)] == []


def changed_weights(run):
    path = run / RETAINED / "cat/slice-2.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    return [f"{RETAINED}/cat: not the bytes that dvc.lock has for retrain@cat"]


def changed_shard(run):
    path = run / "data/shards/horse.parquet"
    shard = tables.read(path, Shard)
    tables.write(path, shard.take(slice(1, None)))
    return [
        "data/shards/horse.parquet: not the bytes that dvc.lock has for train_shards@horse",
        "data/shards: not the bytes that dvc.lock has for split",
        "data/retained/horse.parquet: not data/shards/horse.parquet less the request",
    ]


def changed_hash_in_the_lock(run):
    with edited_lock(run) as stages:
        stages["train_shards@dog"]["outs"][0]["md5"] = "0" * 32 + ".dir"
    return [f"{TRAINED}/dog: not the bytes that dvc.lock has for train_shards@dog"]


def changed_parameter_in_the_lock(run):
    with edited_lock(run) as stages:
        stages["unlearn"]["params"]["params.yaml"]["forget"]["class"] = None
    return ["params.yaml: forget is not what unlearn ran with"]


def changed_command_in_the_lock(run):
    with edited_lock(run) as stages:
        stages["retrain@cat"]["cmd"] = "python src retrain dog"
    return [UNDECLARED.format("retrain@cat")]


def missing_entry(run):
    with edited_lock(run) as stages:
        del stages["retrain@horse"]
    return ["dvc.lock: retrain@horse has no entry; run dvc repro"]


def missing_outs(run):
    with edited_lock(run) as stages:
        del stages["retrain@cat"]["outs"]
    return [UNDECLARED.format("retrain@cat")]


def missing_dep(run):
    with edited_lock(run) as stages:
        stages["train_shards@dog"]["deps"].pop(0)
    return [UNDECLARED.format("train_shards@dog")]


def missing_parameter(run):
    with edited_lock(run) as stages:
        del stages["split"]["params"]["params.yaml"]["split_seed"]
    return [UNDECLARED.format("split")]


def scope_changed_by_hand(run):
    run.edit_params({"forget.scope": "all"})
    return [
        "params.yaml: forget is not what unlearn ran with",
        "data/retained/dog.parquet: holds 3 images that the request covers",
        "data/forget_set.json: not what the request removes from the shards",
    ]


def other_code(run):
    (run / "src/sisa/stages/retrain.py").write_text((run / "src/sisa/stages/retrain.py").read_text() + "\n")
    return ["src/sisa/stages/retrain.py: not the bytes that dvc.lock has for retrain@cat"]


def forgotten_images_put_back(run):
    """Into the retained shard, with a lock that fits."""
    shutil.copy(run / "data/shards/cat.parquet", run / "data/retained/cat.parquet")
    relock(run)
    return [
        "data/retained/cat.parquet: holds 12 images that the request covers",
        "data/retained/cat.parquet: not data/shards/cat.parquet less the request",
        f"{RETAINED}/cat/slice-1.safetensors: trained on other images than those of data/retained/cat.parquet",
    ]


def member_from_before_put_back(run):
    """As a notebook once did, with a lock that fits."""
    shutil.rmtree(run / RETAINED / "cat")
    shutil.copytree(run / TRAINED / "cat", run / RETAINED / "cat")
    relock(run)
    return [
        f"{RETAINED}/cat/slice-1.safetensors: trained on other images than those of data/retained/cat.parquet",
        f"{RETAINED}/cat/slice-2.safetensors: trained on other images than those of data/retained/cat.parquet",
    ]


def unaffected_member_replaced(run):
    shift_weights(run / RETAINED / "horse/slice-2.safetensors")
    relock(run)
    return [f"{RETAINED}/horse: nothing was removed from its shard, but it differs from {TRAINED}/horse"]


def checkpoint_left_over(run):
    shutil.copy(run / TRAINED / "cat/slice-1.safetensors", run / RETAINED / "cat/slice-3.safetensors")
    relock(run)
    return [f"{RETAINED}/cat: data/retained/cat.parquet does not account for slice-3.safetensors"]


def record_changed(run):
    content = json.loads((run / "data/forget_set.json").read_text())
    content["removed"]["cat"].pop()
    (run / "data/forget_set.json").write_text(json.dumps(content))
    relock(run)
    return ["data/forget_set.json: not what the request removes from the shards"]


def request_withdrawn(run):
    run.src("forget", "cat/00.png", "--reason", "owner asked")
    path = run / "data/requests.csv"
    line = path.read_text().splitlines()[1]
    path.write_text(path.read_text().splitlines()[0] + "\n")
    return [f"{APPEND_ONLY}{IN_HEAD}: 1: {line}"]


@pytest.mark.parametrize(
    "tamper",
    [
        changed_weights,
        changed_shard,
        changed_hash_in_the_lock,
        changed_parameter_in_the_lock,
        changed_command_in_the_lock,
        missing_entry,
        missing_outs,
        missing_dep,
        missing_parameter,
        scope_changed_by_hand,
        other_code,
        forgotten_images_put_back,
        member_from_before_put_back,
        unaffected_member_replaced,
        checkpoint_left_over,
        record_changed,
        request_withdrawn,
    ],
    ids=lambda tamper: tamper.__name__,
)
def test_tampering_is_found(tamper, run):
    expected = tamper(run)
    found = failures(run)
    assert [line for line in expected if f"FAILED: {line}" not in found] == []


def test_a_member_whose_bytes_changed_does_not_hold_and_the_others_do(run):
    changed_weights(run)
    rows = [line.split() for line in run.src("audit", code=1).printed.splitlines()]
    verdicts = {row[0]: row[-1] for row in rows if row[0] in run.params()["shards"]}
    assert verdicts == {"cat": "FAILED", "dog": "holds", "horse": "holds"}


def test_a_request_that_was_withdrawn_in_an_earlier_commit_is_found(run):
    request_withdrawn(run)
    line = run.git("show", "HEAD:data/requests.csv").printed.splitlines()[1]
    run.commit("Withdrawn")
    run.git("config", "color.ui", "always")
    (run / ".gitattributes").write_text("*.csv binary\n")
    assert f"FAILED: {APPEND_ONLY}{IN_EARLIER_COMMITS}: 1: {line}" in failures(run)


def test_a_request_that_an_older_experiment_puts_away_is_missed(run):
    run.dvc("exp", "save", "--name", "older")
    run.src("forget", "cat/00.png", "--reason", "owner asked")
    line = (run / "data/requests.csv").read_text().splitlines()[1]
    run.dvc("exp", "apply", "older")
    assert line not in (run / "data/requests.csv").read_text()
    assert failures(run) == [f"FAILED: {APPEND_ONLY}{IN_HEAD}: 1: {line}"]
    assert "lacks 1 request of HEAD" in run.src("forget", "cat/01.png", "--reason", "because", code=1).complaint


def test_a_request_that_was_made_on_another_branch_is_missed(run):
    run.git("switch", "--quiet", "--create", "asked")
    run.src("forget", "cat/00.png", "--reason", "owner asked")
    line = (run / "data/requests.csv").read_text().splitlines()[1]
    run.git("switch", "--quiet", "three")
    assert failures(run) == [f"FAILED: {APPEND_ONLY}{ON_A_BRANCH}: 1: {line}"]


def test_a_request_that_a_spreadsheet_wrote_anew_is_not_missed_and_one_that_is_not_in_git_is_named(run):
    path = run / "data/requests.csv"
    rows = f"{path.read_text()}animals10,bear.png,2026-01-31,why\n"
    path.write_text(f"{rows}tiny,never.png,2026-01-31,a slip of the pen\n")
    run.commit("For another data set")
    path.write_text(
        "\ufeff" + f"{rows}animals10,wolf.png,2026-01-31,why\n".replace(",why", ',"why"').replace("\n", "\r\n")
    )
    run.dvc("repro", "-s", "unlearn")
    printed = run.src("audit", code=None).printed
    assert "append-only" not in printed
    assert "notice: 1 request not in Git yet, where nothing can lose them: git commit --only data" in printed


def test_what_requests_and_the_roster_lost_is_named_before_a_shard_that_is_missing(run):
    file = Path("data/rosters/tiny.csv")
    listed, before = roster.read(file), file.read_bytes()
    erased = listed["id"][0]
    roster.write(file, roster.mark(listed, [erased], "2026-01-31"))
    (run / "receipts").mkdir()
    receipt = run / "receipts/one.json"
    receipt.write_text(json.dumps({"dataset": "tiny", "images": [erased]}))
    run.commit("Erased")
    receipt.unlink()
    (lost,) = request_withdrawn(run)
    file.write_bytes(before)
    (run / "data/shards/cat.parquet").unlink()
    outcome = run.src("audit", code=1)
    assert "data/shards/cat.parquet: " in outcome.complaint
    assert "FAILED: data/shards: not the bytes that dvc.lock has for split" in outcome.printed
    said = outcome.printed.splitlines()
    assert said[1] == f"FAILED: {lost}"
    assert said[2].startswith(f"FAILED: {file}: these were erased and are not marked as that (git checkout HEAD -- ")
    assert said[2].endswith(f": 1: {erased}")
    assert said[0].startswith("notice: no receipt here names 1 of the erased images; ")
    assert said[0].endswith("; committed and not here: 1: receipts/one.json")


@pytest.mark.parametrize("command", ["audit", "verify"])
def test_where_nothing_was_run_there_is_nothing_to_prove(command, fresh):
    assert "dvc.lock: missing" in fresh.src(command, code=1).complaint


def test_a_missing_member_is_named(run):
    shutil.rmtree(run / RETAINED / "dog")
    assert f"{RETAINED}/dog: no trained member here; bring it back" in run.src("audit", code=1).complaint


@pytest.mark.parametrize(
    "content",
    ["", "stages:", "stages: {split: null}", "stages: {split: {cmd: x, deps: null}}", "stages: {split: {cmd: 1}}"],
)
def test_a_damaged_lock_is_named(content, run):
    (run / "dvc.lock").write_text(content)
    assert "dvc.lock: missing or damaged" in run.src("audit", code=1).complaint


def test_without_a_history_the_audit_says_what_it_did_not_check(run):
    shutil.rmtree(run / ".git")
    (run / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    printed = run.src("audit").printed
    assert "notice: whether a request was taken out of data/requests.csv was not checked" in printed


def test_a_file_that_cannot_be_read_ends_the_audit(run):
    (run / "data/retained/dog.parquet").write_bytes(b"PAR1")
    complaint = run.src("audit", code=1).complaint
    assert "data/retained/dog.parquet: not a table of ours, or damaged" in complaint


def verified(repo, *words, code=0):
    """What verify says of each member, and its complaint, if any."""
    outcome = repo.src("verify", *words, code=code)
    table = outcome.printed[outcome.printed.index("member ") :].splitlines()[2:]
    said = dict(line.split(maxsplit=1) for line in table if line.startswith(("cat ", "dog ", "horse ")))
    return said, outcome.complaint if code else outcome.printed


def test_verify_trains_every_member_again(run):
    said, printed = verified(run)
    assert said.keys() == {"cat", "dog", "horse"}
    for name, told in said.items():
        _, images, published, scratch = told.split()[:4]
        assert run.outputs()[f"{RETAINED}/{name}"].startswith(published)
        assert published == scratch
        assert int(images) == len(pd.read_parquet(run / f"data/retained/{name}.parquet"))
        assert told.endswith("as from scratch")
    assert "Proved: each of these members is, byte for byte, what training from scratch" in " ".join(
        printed.split("\n")
    )
    assert list((run / "models").glob(".verify-*")) == []


@pytest.mark.full
def test_a_stranger_proves_a_commit_in_a_fresh_clone_with_nothing_pulled(run, tmp_path):
    run.git("clone", "--quiet", ".", str(tmp_path / "stranger"))
    stranger = Repo(tmp_path / "stranger")
    shutil.copytree(run / "data/raw/tiny", stranger / "data/raw/tiny")
    said, printed = verified(stranger, "cat", "--against", "HEAD")
    assert said["cat"].endswith("as from scratch")
    assert "dvc.lock of HEAD" in printed
    assert stranger.git("status", "--short").printed == ""
    assert not (stranger / "models/shards").exists()


def test_verify_finds_another_retained_shard_than_that_of_a_commit(run):
    shard = run / "data/retained/cat.parquet"
    shutil.copy(run / "data/shards/cat.parquet", shard.with_name("part"))
    shard.with_name("part").rename(shard)
    said, complaint = verified(run, "cat", "--against", "HEAD", code=1)
    assert "not proved: cat" in complaint
    assert "ANOTHER retained shard than" in said["cat"]


@pytest.mark.parametrize(("name", "file"), [("cat", "slice-2"), ("dog", "slice-2"), ("cat", "slice-1")])
def test_verify_finds_weights_that_training_does_not_give(name, file, run):
    shift_weights(run / RETAINED / name / f"{file}.safetensors")
    said, complaint = verified(run, name, code=1)
    assert f"not proved: {name}" in complaint
    assert said[name].endswith("as from scratch, but NOT what lies in its folder")


def test_verify_finds_what_was_forged_before_and_after_alike_with_a_lock_that_fits(run):
    for folder in (TRAINED, RETAINED):
        shift_weights(run / folder / "dog/slice-2.safetensors")
    relock(run)
    run.src("audit")
    said, complaint = verified(run, "dog", code=1)
    assert said["dog"].endswith("DIFFERS from scratch")
    assert "not proved: dog" in complaint


def test_verify_refuses_a_member_that_there_is_not(run):
    refused = run.src("verify", "cow", code=1).complaint
    assert "there is no member cow; choose from cat, dog, horse" in refused


def test_pixels_of_a_retained_image_that_were_changed_are_found(run):
    path = run / "data/retained/dog.parquet"
    shard = tables.read(path, Shard)
    shard.pixels[0] ^= 1
    tables.write(path, shard)
    relock(run)
    expected = f"FAILED: {path.relative_to(run.path)}: not data/shards/dog.parquet less the request"
    assert expected in failures(run)
