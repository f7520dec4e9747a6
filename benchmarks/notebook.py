"""The notebooks' recipe as it was, once and in full: ResNet-18, Adam, each JPEG decoded again in every epoch.

    python benchmarks/notebook.py animals10 [--epochs 30]     # 3 classes, high, 128 pixels: over an hour on two cores
    python benchmarks/notebook.py animal_mnist [--epochs 30]  # 5 classes, high, 28 pixels

Held-out accuracy of each member, of the ensemble by averaged logits and of the conventional model, as training goes on,
written to benchmarks/notebook-DATASET.csv. The seconds are CPU seconds of all threads, so that what else runs on
the machine matters little; benchmarks/time_to_accuracy.py measures the wall-clock time of a batch. The silhouettes
are no files; they are written out as such first.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision.models import resnet18
from torchvision.transforms import functional as to
from tqdm import tqdm

sys.path.insert(0, "src")

import machine
import scenario

from sisa.base.params import Params
from sisa.data.images import Images
from sisa.training.loop import derived_seed

CHOICES = {
    "animals10": ("dataset=animals10", "train=notebook", "classes=3", "dataset.image_size=128", "slices=1"),
    "animal_mnist": ("dataset=animal_mnist", "train=notebook", "classes=5", "slices=1"),
}
SCORED = 3  # held-out accuracy after every third epoch


class Photos(Dataset):
    """Photos as torchvision's ImageFolder serves them: read, decoded and normalized each time one is asked for."""

    def __init__(self, images: Images, deal: scenario.Scenario, files: dict[str, Path]):
        self.files = [files[image] for image in images.ids.tolist()]
        self.labels = np.searchsorted(deal.params.class_names, images.classes).tolist()
        self.size = deal.params.dataset.image_size

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        with Image.open(self.files[place]) as photo:
            resized = photo.convert("RGB").resize((self.size, self.size))
        return to.normalize(to.to_tensor(resized), [0.5] * 3, [0.5] * 3), self.labels[place]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", choices=CHOICES)
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    params = scenario.compose(*CHOICES[arguments.dataset])
    torch.set_num_threads(params.threads)
    deal = scenario.deal_out(params)
    with tempfile.TemporaryDirectory() as folder:
        table = trained(deal, scenario.files(deal, Path(folder)), arguments.epochs)
    table.round(4).to_csv(Path("benchmarks", f"notebook-{params.dataset.name}.csv"), index=False)


def trained(deal: scenario.Scenario, files: dict[str, Path], epochs: int) -> pd.DataFrame:
    """Train every model; rows model, epoch, loss, accuracy, cpu_seconds."""
    rows, logits = [], {}
    models = deal.shards | {"baseline_full": deal.union}
    actual = np.searchsorted(deal.params.class_names, deal.held_out.classes)
    held_out = Photos(deal.held_out, deal, files)
    with tqdm(total=epochs * len(models), desc="epochs", unit="epoch", disable=None) as bar:
        for name, images in models.items():
            for row, answers in train(name, Photos(images, deal, files), held_out, deal.params, epochs):
                bar.update()
                if answers is not None:
                    logits[name, row["epoch"]] = answers
                    row["accuracy"] = (answers.argmax(axis=1) == actual).mean()
                rows.append(row)
    return pd.DataFrame([*rows, *averaged(rows, logits, list(deal.shards), actual)])


def train(
    name: str, photos: Photos, held_out: Photos, params: Params, epochs: int
) -> Iterator[tuple[dict, np.ndarray | None]]:
    """Train one model; after each epoch yield its row, and every third its logits on the held-out photos."""
    recipe = params.train
    torch.manual_seed(derived_seed(params.seed, name))
    network = resnet18(num_classes=len(params.class_names))
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.optimizer.learning_rate)
    loader = DataLoader(photos, batch_size=recipe.batch_size, shuffle=True)
    seconds = 0.0
    for epoch in range(1, epochs + 1):
        start = time.process_time()
        loss = train_epoch(network, optimizer, loader)
        seconds += time.process_time() - start
        row = {"model": name, "epoch": epoch, "loss": loss, "accuracy": np.nan, "cpu_seconds": seconds}
        yield row, answer(network, held_out) if epoch % SCORED == 0 else None


def train_epoch(network: nn.Module, optimizer: torch.optim.Optimizer, loader) -> float:
    network.train()
    total, count = 0.0, 0
    for images, labels in loader:
        loss = nn.functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total, count = total + loss.item() * len(labels), count + len(labels)
    return total / count


@torch.no_grad()
def answer(network: nn.Module, photos: Photos) -> np.ndarray:
    """Logits [n, K] float32."""
    network.eval()
    return torch.cat([network(images) for images, _ in DataLoader(photos, 100)]).numpy()


def averaged(rows: list[dict], logits: dict, members: list[str], actual: np.ndarray) -> list[dict]:
    """The ensemble's rows, by averaged logits, at the epochs at which all members have answered."""
    table = pd.DataFrame(rows)
    ensemble = []
    for epoch in sorted({epoch for _, epoch in logits}):
        if all((name, epoch) in logits for name in members):
            here = table[(table["epoch"] == epoch) & table["model"].isin(members)]
            mean = np.mean([logits[name, epoch] for name in members], axis=0)
            right = (mean.argmax(axis=1) == actual).mean()
            spent = here["cpu_seconds"].sum()
            ensemble.append({"model": "ensemble", "epoch": epoch, "accuracy": right, "cpu_seconds": spent})
    return ensemble


if __name__ == "__main__":
    machine.run(main)
