"""What all tests share. A property may take its time: a busy machine is no failure."""

import shutil
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def attacked(tmp_path_factory):
    """A folder with the committed results, and with what attacks=all adds to them."""
    folder = tmp_path_factory.mktemp("attacked")
    for name in ("metrics", "plots"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copytree(ROOT / "tests/data/attacks_all", folder, dirs_exist_ok=True)
    shutil.copy(ROOT / "params.yaml", folder)
    return folder
