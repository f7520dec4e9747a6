"""The experiment made small: a data set of a few PNG files, made of the embedded silhouettes, and smaller numbers.

Everything else is the checkout's own: sources, pipeline and DVC settings.
"""

from collections import Counter
from pathlib import Path

import yaml
from PIL import Image
from support.repo import ROOT, Repo

from sisa.base.params import Dataset
from sisa.data.images import image_id
from sisa.sources import wheel

SILHOUETTES = ROOT / "data/raw/animal_mnist"
CLASSES = ["cat", "cow", "dog", "elephant", "horse"]
PHOTOS = 20  # of each class; the split needs 17, so three are in no shard and no test set
TINY = {
    "name": "tiny",
    "image_size": 16,
    "channels": 1,
    "test_per_class": 5,
    "forget_class": "cat",
    "class_sets": {"3": ["cat", "dog", "horse"], "5": CLASSES},
    "source": {"kind": "folder"},
}
SMALLER = {
    "conf/leakage/high.yaml": {"dominant": 12, "leaked": 3},
    "conf/leakage/low.yaml": {"dominant": 12, "leaked": 3},
    "conf/leakage/neighbour.yaml": {"dominant": 12, "leaked": 3},
    "conf/leakage/none.yaml": {"dominant": 12},
    "conf/attacks/all.yaml": {"shadows": 2, "oracles": 2},
    "conf/train/fast.yaml": {
        "network": {"name": "cnn", "patch": 2, "stride": 2, "filters": 4, "widths": [4, 8], "pool": "max"},
        "epochs": 2,
        "batch_size": 8,
        "precision": "exact",
    },
}


def draw_photos(folder: Path) -> None:
    dataset = Dataset.model_validate(yaml.safe_load((ROOT / "conf/dataset/animal_mnist.yaml").read_text()))
    raw = SILHOUETTES
    if not raw.is_dir():
        raw = folder.with_name("silhouettes")
        wheel.bring_in(dataset, None, raw)
    taken, seen = Counter(), set()
    for _, name, rgb in wheel.pictures(dataset, raw, CLASSES):
        if taken[name] < PHOTOS and image_id(rgb) not in seen:
            seen.add(image_id(rgb))
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(rgb).save(folder / name / f"{taken[name]:02}.png")
            taken[name] += 1


def shrink(repo: Repo) -> None:
    (repo / "conf/dataset/tiny.yaml").write_text(yaml.safe_dump(TINY, sort_keys=False))
    for file, changes in SMALLER.items():
        settings = yaml.safe_load((repo / file).read_text())
        (repo / file).write_text(yaml.safe_dump(settings | changes, sort_keys=False))
    config = repo / "conf/config.yaml"
    config.write_text(config.read_text().replace("dataset: animal_mnist", "dataset: tiny"))
