"""What Git remembers of a list, whatever became of the file."""

from pathlib import Path

import pytest

from sisa.repository import history
from sisa.repository.git import GitError, git

FILE = Path("data/list.csv")


@pytest.fixture
def repo(tmp_path, monkeypatch):
    """A Git repository in which the list had a row more on another branch, as the current folder."""
    monkeypatch.chdir(tmp_path)
    FILE.parent.mkdir()
    git("init", "--quiet", "--initial-branch=main")
    git("config", "user.name", "Test")
    git("config", "user.email", "test@example.org")
    commit(b"a,b\n1,2\n")
    git("branch", "other")
    return tmp_path


def commit(content):
    FILE.write_bytes(content)
    git("add", "--all")
    git("commit", "--quiet", "--message", "A list")


def test_a_row_of_an_earlier_version_or_of_another_branch_is_known(repo):
    commit(b'\xef\xbb\xbfa,b\r\n3,"4"\r\n,\r\n\r\n')  # as spreadsheets write it
    git("switch", "--quiet", "other")
    commit(b"a,b\n5,6\n")
    git("switch", "--quiet", "main")
    assert history.ever(FILE) == {("1", "2"), ("3", "4"), ("5", "6")}
    assert history.in_head(FILE) == {("3", "4")}


def test_the_files_of_a_folder_that_were_ever_committed_and_are_away_are_known(repo):
    for name in ("one", "two"):
        Path(f"data/{name}.csv").touch()
    Path("data/inner").mkdir()
    Path("data/inner/three.csv").touch()
    commit(b"a,b\n")
    git("switch", "--quiet", "other")
    assert history.gone(Path("data")) == [Path(f"data/{name}.csv") for name in ("inner/three", "one", "two")]
    git("switch", "--quiet", "main")
    assert history.gone(Path("data")) == history.gone(Path("nowhere")) == []


def test_a_row_that_was_merged_and_taken_out_again_is_known(repo):
    git("switch", "--quiet", "other")
    commit(b"a,b\n1,2\n5,6\n")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--no-edit", "--strategy=ours", "other")
    git("branch", "--delete", "--force", "other")
    assert history.in_head(FILE) == {("1", "2")}
    assert history.ever(FILE) == {("1", "2"), ("5", "6")}


def test_what_a_file_lost_is_looked_for_in_head_then_on_branches_then_in_earlier_commits(repo):
    def way_back(*lost):
        return history.way_back(FILE, set(lost), lambda rows: rows)

    commit(b"a,b\n1,2\n3,4\n")
    assert way_back(("3", "4")) == f"git checkout HEAD -- {FILE}, or by hand from git show HEAD:{FILE}"
    commit(b"a,b\n1,2\n")
    assert way_back(("3", "4")).startswith(
        "in earlier commits, not in HEAD nor at the end of a branch: by hand from git "
    )
    git("switch", "--quiet", "other")
    commit(b"a,b\n1,2\n5,6\n")
    git("switch", "--quiet", "main")
    expected = f"on branch other: git merge other, or by hand from git show other:{FILE}"
    assert way_back(("3", "4"), ("5", "6")) == expected
    git("switch", "--quiet", "--orphan", "empty")
    git("commit", "--quiet", "--allow-empty", "--message", "No list")
    assert way_back(("5", "6")) == expected


def test_where_the_history_is_cut_off_it_says_so(repo, monkeypatch):
    commit(b"a,b\n")
    git("clone", "--quiet", "--depth=1", repo.as_uri(), "shallow")
    monkeypatch.chdir("shallow")
    with pytest.raises(GitError, match="shallow clone; git fetch --unshallow"):
        history.ever(FILE)
