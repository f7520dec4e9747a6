"""How many planted near-duplicates the comparison of pictures finds, and how many other pictures it takes for one.

    python benchmarks/near.py [--photos ../shared/animals10]

Of silhouettes (28 x 28, as they came in) and photos (128 x 128) 400 pictures are drawn, and 1,000 others. Of each of
the 400 a near-duplicate of each kind is made. The thresholds in erasure/near.py are to be chosen on the first 200 (half
`choose`); the figures to quote are of the other 200 (half `measure`). `found`: planted ones that are paired with the
picture that they were made of. `false alarms`: of the 1,000 others, those paired with any of the 200, whether they
really are near-duplicates in the data set or not. The last kinds are stronger than those that leakage.kind makes, and
nothing was chosen by them. Written to benchmarks/near.csv.
"""

import argparse
import io
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tabulate import tabulate

sys.path.insert(0, "src")

import machine

from sisa import sources
from sisa.base import paths
from sisa.commands.data import load_dataset
from sisa.data.images import image_id
from sisa.data.variants import VARIANTS
from sisa.erasure.near import Looks, pairs, square
from sisa.sharding.leakage import rank
from sisa.sources.photo import decode

HALF, OTHERS = 200, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("../shared/animals10"))
    folder = parser.parse_args().photos
    sets = {
        "silhouettes": silhouettes(),
        "photos": (decode(file.read_bytes()) for file in sorted(folder.glob("*/*.*"))),
    }
    table = pd.DataFrame(row for name, pictures in sets.items() for row in measured(name, drawn(pictures)))
    table.to_csv("benchmarks/near.csv", index=False)
    print(tabulate(table, headers="keys", showindex=False))


def silhouettes() -> Iterable[np.ndarray]:
    dataset = load_dataset("animal_mnist")
    for _, _, rgb in sources.pictures(dataset, paths.raw(dataset.name), dataset.source.label_names):
        yield rgb


def drawn(pictures: Iterable[np.ndarray]) -> list[np.ndarray]:
    by_id = {image_id(each): each for each in pictures}
    return [by_id[image] for image in rank([*by_id], "near")[: 2 * HALF + OTHERS]]


def measured(name: str, pictures: list[np.ndarray]) -> Iterable[dict]:
    others = looks(pictures[2 * HALF :])
    for number, half in enumerate(("choose", "measure")):
        planted = pictures[number * HALF : (number + 1) * HALF]
        originals = looks(planted)
        alarms = len(set(pairs(originals, others)[:, 1].tolist()))
        for kind, make in (VARIANTS | STRONGER).items():
            one, other = pairs(originals, looks(np.asarray(make(Image.fromarray(each))) for each in planted)).T
            found = int((one == other).sum())
            yield {
                "pictures": name,
                "half": half,
                "kind": kind,
                "planted": len(planted),
                "found": f"{found / len(planted):.1%}",
                "false alarms": f"{alarms / len(others):.1%}",
            }


def looks(pictures: Iterable[np.ndarray]) -> Looks:
    return Looks.of(map(square, pictures))


def cropped(image: Image.Image) -> Image.Image:
    left, top = (round(side / 10) for side in image.size)
    return image.crop((left, top, image.width - left, image.height - top)).resize(image.size)


def recompressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=20)
    return Image.open(file).copy()


def resized(image: Image.Image) -> Image.Image:
    return image.resize([side // 4 for side in image.size]).resize(image.size)


STRONGER = {"crop to 80 %": cropped, "JPEG quality 20": recompressed, "a quarter of the size": resized}


if __name__ == "__main__":
    machine.run(main)
