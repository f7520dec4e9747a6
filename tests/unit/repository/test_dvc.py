"""DVC's complaints are one line of ours."""

import pytest

from sisa.base.errors import BadInput
from sisa.repository.dvc import dvc


def test_a_command_of_dvc_that_fails_is_one_line(tmp_path):
    (tmp_path / "raw").mkdir()
    with pytest.raises(BadInput, match=r"^dvc add fails: .*not inside of a DVC repository") as failure:
        dvc("add", "raw", folder=tmp_path)
    assert "\n" not in str(failure.value)
