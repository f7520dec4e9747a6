"""What an erase asks of the workspace."""

import pytest
import yaml
from support.inside import inside
from support.repo import Repo, environment

from sisa.base.errors import BadInput
from sisa.erasure import workspace


@pytest.fixture
def two_data_sets(tmp_path):
    """A pipeline that reads the photos, run and committed; the silhouettes beside it are tracked, and not here."""
    repo = Repo(tmp_path / "two")
    repo.initialize()
    (repo / "data/raw/photos").mkdir(parents=True)
    (repo / "data/raw/photos/a").write_text("a")
    repo.dvc("add", "data/raw/photos")
    out = {"outs": [{"path": "silhouettes", "md5": "0" * 32 + ".dir", "size": 1, "nfiles": 1, "hash": "md5"}]}
    (repo / "data/raw/silhouettes.dvc").write_text(yaml.safe_dump(out))
    repo.write_stages({"use": {"cmd": "cp data/raw/photos/a pool", "deps": ["data/raw/photos"], "outs": ["pool"]}})
    repo.dvc("repro")
    repo.commit("Two data sets")
    return repo


def check(repo: Repo) -> None:
    with inside(repo.path, environment(repo.path.parent)):
        workspace.check()


def test_a_data_set_that_the_pipeline_does_not_read_need_not_be_here(two_data_sets):
    check(two_data_sets)
    (two_data_sets / "pool").unlink()
    with pytest.raises(BadInput, match=r"not as dvc\.lock has them"):
        check(two_data_sets)
