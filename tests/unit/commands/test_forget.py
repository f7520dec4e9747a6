"""`python src forget` in a small Git repository: what was requested is in a commit, alone, or nothing was requested."""

from datetime import date
from pathlib import Path
from threading import Thread
from types import SimpleNamespace

import pytest

from sisa.base.errors import BadInput
from sisa.base.files import alone
from sisa.commands import forget
from sisa.erasure import renewal
from sisa.repository.git import git
from sisa.sources import roster
from sisa.unlearning import requests
from sisa.unlearning.requests import Request

FILE = Path("data/requests.csv")
IMAGES = 2_000


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A Git repository with a request file, the data sets pets and zoo and a roster of each, as the current folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("conf/dataset", "data/rosters"):
        Path(name).mkdir(parents=True)
    rows = "".join(f"cat/{number}.png,{number:064x},cat\n" for number in range(IMAGES))
    for name in ("pets", "zoo"):
        Path(f"conf/dataset/{name}.yaml").touch()
        Path(f"data/rosters/{name}.csv").write_text(f"file,id,class\n{rows}")
    requests.append(FILE, [])
    git("init", "--quiet", "--initial-branch=main")
    git("config", "user.name", "Test")
    git("config", "user.email", "test@example.org")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Pets")
    return tmp_path


@pytest.fixture
def ask(repo, call):
    """A function that requests images of pets as people type it."""
    return lambda *words, dataset="pets": call(forget, *words, "--reason", "owner asked", "--dataset", dataset)


def asked():
    return [(each.dataset, each.image) for each in requests.read(FILE)]


def test_a_request_is_committed_at_once_and_what_else_is_changed_or_staged_is_not(ask, capsys):
    Path("staged").write_text("new")
    git("add", "staged")
    Path("conf/dataset/zoo.yaml").write_text("changed")
    ask("cat/1.png", "./data/raw/pets/cat/2.png")
    commit = git("rev-parse", "--short", "HEAD").strip()
    assert (
        f"added to data/requests.csv: 2, in commit {commit}; carry it out: dvc repro, with data set pets"
        in capsys.readouterr().out
    )
    today = date.today().isoformat()
    expected = [Request("pets", f"cat/{number}.png", today, "owner asked") for number in (1, 2)]
    assert [*requests.parse(git("show", f"HEAD:{FILE}")).values()] == requests.read(FILE) == expected
    assert git("show", "--name-only", "--format=%s").split("\n\n") == [
        "Request that 2 images of pets be forgotten",
        f"{FILE}\n",
    ]
    assert git("status", "--porcelain").splitlines() == [" M conf/dataset/zoo.yaml", "A  staged"]


@pytest.mark.parametrize(
    ("of", "seen", "doubts", "expected"),
    [
        (
            "pets",
            {3},
            [],
            "no model here was trained on these images: nothing is to be retrained, and the next dvc repro",
        ),
        ("pets", {2, 3}, [], "carry it out: dvc repro, with data set pets; then commit the results"),
        ("pets", {3}, ["a model of other images"], "carry it out: dvc repro"),
        ("zoo", {3}, [], "carry it out: dvc repro"),
    ],
)
def test_where_no_model_was_trained_on_the_images_nothing_is_to_be_carried_out(
    of, seen, doubts, expected, ask, capsys, monkeypatch
):
    monkeypatch.setattr(forget, "load", lambda: SimpleNamespace(dataset=SimpleNamespace(name=of)))
    models = {Path("member"): {f"{number:064x}" for number in seen}, Path("baseline"): set()}
    monkeypatch.setattr(renewal, "trained_on", lambda params: (models, doubts))
    ask("cat/1.png", "cat/2.png")
    assert f"; {expected}" in capsys.readouterr().out


def test_images_of_another_data_set_can_be_named(ask):
    ask("cat/1.png", dataset="zoo")
    assert asked() == [("zoo", "cat/1.png")]


def test_rows_that_were_added_by_hand_are_committed_with_the_next_request(ask):
    requests.append(FILE, [Request("pets", "cat/1.png", "2026-01-31", "by hand")])
    ask("cat/1.png")
    assert [*requests.parse(git("show", f"HEAD:{FILE}")).values()] == [
        Request("pets", "cat/1.png", "2026-01-31", "by hand")
    ]


def test_what_was_requested_or_erased_before_is_counted_and_nothing_is_committed(ask, capsys):
    ask("cat/1.png")
    path = Path("data/rosters/pets.csv")
    roster.write(path, roster.mark(roster.read(path), [f"{2:064x}"], "2026-02-01"))
    head = git("rev-parse", "HEAD")
    capsys.readouterr()
    ask("cat/1.png", "cat/1.png", "cat/2.png")
    assert capsys.readouterr().out.splitlines() == [
        "notice: changes nothing, erased for good: 1: cat/2.png",
        "notice: changes nothing, requested before: 2: cat/1.png, cat/1.png",
    ]
    assert git("rev-parse", "HEAD") == head


def test_many_requests_take_no_longer_each_than_few_and_are_summed_up(ask, capsys, monkeypatch):
    asked_of, counts = roster.erased_ids, []
    monkeypatch.setattr(roster, "erased_ids", lambda listed: counts.append(1) or asked_of(listed))
    everything = [f"cat/{number}.png" for number in range(IMAGES)]
    ask(*everything)
    few = len(counts)
    ask(*everything)
    assert len(counts) == 2 * few < 10  # the roster is looked through once, not once an image
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("added to data/requests.csv: 2000, in commit ")
    assert lines[1].startswith("notice: changes nothing, requested before: 2,000: cat/0.png, ")
    assert lines[1].endswith(" and 1,990 more")
    assert len(lines) == 2


def detached():
    git("switch", "--quiet", "--detach")


def no_identity():
    git("config", "user.name", "")


def merging():
    git("update-ref", "MERGE_HEAD", "HEAD")


def hook_that_refuses():
    hook = Path(".git/hooks/pre-commit")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)


def write_protected():
    FILE.chmod(0o444)


def request_taken_out():
    requests.append(FILE, [Request("pets", "cat/2.png", "2026-01-31", "owner asked")])
    git("commit", "--quiet", "--all", "--message", "A request")
    FILE.write_text("dataset,image,date,reason\n")


def no_repository():
    Path(".git").rename("elsewhere")


@pytest.mark.parametrize(
    ("prevent", "complaint"),
    [
        (detached, "HEAD is on no branch, where a request is easily lost; go to one first: git switch BRANCH"),
        (no_identity, "nothing was requested: a request is kept in Git, and .*empty ident name"),
        (merging, "nothing was requested: .*partial commit during a merge"),
        (hook_that_refuses, "nothing was requested: a request is kept in Git, and not today; mend that and repeat"),
        (write_protected, "data/requests.csv: write-protected; if it is to be changed, allow it: chmod u.w"),
        (
            request_taken_out,
            "data/requests.csv lacks 1 request of HEAD; bring back what is gone first: git checkout HEAD -- ",
        ),
        (no_repository, "nothing was requested: .*not a git repository"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_where_it_cannot_be_committed_nothing_is_requested(prevent, complaint, ask):
    prevent()
    before = FILE.read_bytes()
    with pytest.raises(BadInput, match=complaint) as refused:
        ask("cat/1.png")
    assert "\n" not in str(refused.value)
    assert FILE.read_bytes() == before
    assert [path.name for path in FILE.parent.iterdir() if path.name.endswith(".part")] == []


def test_two_who_ask_at_the_same_time_lose_no_request(ask):
    other = Thread(target=ask, args=["cat/1.png"])
    with alone(FILE.parent):
        other.start()
        other.join(0.5)
        assert other.is_alive()
        requests.append(FILE, [Request("pets", "cat/2.png", "2026-01-31", "asked first")])
    other.join()
    assert asked() == [("pets", "cat/2.png"), ("pets", "cat/1.png")]
