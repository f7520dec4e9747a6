"""Unlearning gives the same bits whatever the processor and the libraries' code paths."""

import subprocess
import sys

import pytest
from support.machines import OLD
from support.repo import ROOT, environment

pytestmark = pytest.mark.full

UNLEARNING = """
import hashlib, sys
sys.path.insert(0, "src")
from pathlib import Path
import numpy as np, torch, yaml
from pydantic import TypeAdapter
from sisa.base.params import Params, load
from sisa.training.augment import normalize
from sisa.training.loop import be_deterministic
from sisa.training.networks import build, draw_weights, whiten
from sisa.unlearners.apply import UNLEARNERS
from sisa.unlearners.task import Labelled, Task

be_deterministic(1)
recipe = load().train
draw = np.random.default_rng(0)
images = Labelled(torch.from_numpy(draw.integers(0, 256, (48, 1, 28, 28), dtype=np.uint8)), torch.arange(48) % 3)
for name, unlearn in UNLEARNERS.items():
    torch.manual_seed(0)
    network = build(recipe, 1, 3)
    draw_weights(network, torch.Generator().manual_seed(1))
    whiten(network, normalize(images.pixels))
    parts = [Labelled(images.pixels[which], images.labels[which]) for which in (images.labels > 0, images.labels == 0)]
    task = Task(network, *parts, 3, recipe, 64, torch.Generator().manual_seed(2))
    text = yaml.safe_load(Path(f"conf/unlearner/{name}.yaml").read_text())
    log = list(unlearn(task, TypeAdapter(Params.model_fields["unlearner"].annotation).validate_python(text)))
    digest = hashlib.sha256(repr(log).encode())
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode() + value.contiguous().numpy().tobytes())
    print(name, digest.hexdigest())
"""


def unlearned(tmp_path, setting: dict[str, str]) -> str:
    command, env = [sys.executable, "-c", UNLEARNING], environment(tmp_path) | setting
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout


def test_every_unlearner_gives_the_same_weights_and_log_on_another_machine(tmp_path):
    here = unlearned(tmp_path, {})
    assert len(here.splitlines()) == 6
    assert unlearned(tmp_path, OLD) == here
