"""Exact training gives the same bits whatever the processor, the libraries' code paths and the number of threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.machines import SETTINGS
from support.repo import ROOT, environment

from sisa.base.params import EXACT

pytestmark = pytest.mark.full

TRAINING = """
import hashlib, sys
sys.path.insert(0, "src")
import numpy as np, torch, yaml
from sisa.base.params import Train
from sisa.evaluation.aggregation import Loss
from sisa.evaluation.scoring import by_every_aggregation, evaluation_set, utility_by_set
from sisa.base.files import rounded
from sisa.inference.logits import logits_of
from sisa.inference.outputs import Asked, ModelOutputs
from sisa.training.loop import be_deterministic, train_member
from sisa.training.networks import build
from sisa.unlearning.forget_set import ForgetSet

recipe, precision, threads = sys.argv[1:]
text = yaml.safe_load(open(f"conf/train/{recipe}.yaml"))
recipe = Train.model_validate(text | {"precision": precision, "epochs": 1, "batch_size": 16})
draw = np.random.default_rng(0)
pixels = torch.from_numpy(draw.integers(0, 256, (60, 3, 32, 32), dtype=np.uint8))
names, labels = np.array(["cat", "dog", "horse"]), draw.integers(0, 3, 60)
be_deterministic(int(threads))
digest, members = hashlib.sha256(), []
for seed in (0, 1):
    training = (pixels, torch.from_numpy(labels), torch.from_numpy(np.arange(60) % 2))
    found = train_member(*training, slice_count=2, classes=3, recipe=recipe, seed=(seed, "cat"))
    for number, checkpoint in found:
        for name, value in sorted((checkpoint.weights | checkpoint.optimizer).items()):
            digest.update(name.encode() + value.contiguous().numpy().tobytes())
        digest.update(repr(checkpoint.log).encode())
    network = build(recipe, 3, 3)
    network.load_state_dict(checkpoint.weights)
    logits = logits_of([network], pixels, recipe)[0].double().numpy()
    digest.update(logits.tobytes())
    members.append(ModelOutputs({"held_out": logits, "training_images": logits[::-1]}, np.bincount(labels)))
asked = {"held_out": Asked(np.arange(60).astype(str), names[labels])}
asked["training_images"] = Asked(asked["held_out"].ids, names[labels[::-1]])
on = evaluation_set(asked, names.tolist(), ForgetSet(("cat",), "dominant", [], {"cat": ["1", "2"]}, {}))
scores = rounded(utility_by_set(by_every_aggregation(members, on, Loss(1.0, 0.1)), on))
digest.update(repr(scores).encode())
print(digest.hexdigest())
"""


def trained(setting: str, recipe: str, precision: str, threads: int, tmp_path) -> str:
    command = [sys.executable, "-c", TRAINING, recipe, precision, str(threads)]
    env = environment(tmp_path) | SETTINGS[setting]
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()[-1]


def test_members_logits_and_metrics_are_the_same_bits_in_every_setting(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        runs = {
            (setting, threads): pool.submit(trained, setting, "fast", EXACT, threads, tmp_path)
            for setting in SETTINGS
            for threads in ((1, 2, 3) if setting == "as it is" else (1,))
        }
        hashes = {run: found.result() for run, found in runs.items()}
    assert len(set(hashes.values())) == 1, hashes


@pytest.mark.parametrize("recipe", ["photo", "notebook"])
def test_the_wider_networks_are_the_same_bits_on_an_old_machine(recipe, tmp_path):
    settings = ("as it is", "PyTorch without vector instructions", "oneDNN with SSE4.1")
    assert len({trained(setting, recipe, EXACT, 1, tmp_path) for setting in settings}) == 1


def test_float32_differs_so_that_the_others_could(tmp_path):
    settings = ("as it is", "PyTorch without vector instructions", "oneDNN with SSE4.1")
    assert len({trained(setting, "fast", "float32", 1, tmp_path) for setting in settings}) > 1
