"""Time and requests of finding and deleting images in a remote of 10,000 objects.

    python benchmarks/scan.py [--objects 10000]

The remote is a folder, or a bucket of moto, the S3 stand-in of the tests, which runs in the same process and takes most
of the time itself: its requests are what carries over to a real bucket, its seconds are not. Nine objects of ten are
photos, the others tables of them, checkpoints, logs and folder listings. `empty` cache: every object is read from the
remote; `full`: the cache has them all, so that the remote is listed only. 20 photos are looked for and removed, with
all that holds or saw them. Written to benchmarks/scan.csv.
"""

import argparse
import hashlib
import io
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import torch
from moto.server import ThreadedMotoServer
from PIL import Image
from tabulate import tabulate
from tqdm import tqdm

sys.path.insert(0, "src")

import machine

from sisa.data import tables
from sisa.data.images import Shard, image_id
from sisa.erasure import scan, stores
from sisa.training.checkpoints import Seen, write_checkpoint
from sisa.training.loop import Checkpoint
from sisa.training.slicing import slice_digests

ROOT = Path.cwd()
SOUGHT, IN_TABLE = 20, 36  # images: looked for, in a table
KEYS = {"aws_access_key_id": "anyone", "aws_secret_access_key": "anything", "region_name": "us-east-1"}


class Requests(logging.Handler):
    """Counts the lines that moto's server logs, one a request."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    count = parser.parse_args().objects
    os.environ |= {"DVC_NO_ANALYTICS": "true"}
    load = round(os.getloadavg()[0], 1)  # what else ran on the machine
    with tempfile.TemporaryDirectory() as scratch:
        os.environ |= {"DVC_SITE_CACHE_DIR": f"{scratch}/site", "DVC_GLOBAL_CONFIG_DIR": f"{scratch}/config"}
        objects, sought = draw(Path(scratch, "objects"), count)
        cases = [(kind, cache) for kind in ("folder", "S3 stand-in") for cache in ("empty", "full")]
        rows = []
        for case in cases:  # each is written at once, as the bucket takes minutes
            rows.append(measure(Path(scratch), *case, objects, sought))
            os.chdir(ROOT)
            table = pd.DataFrame(rows)
            table.to_csv("benchmarks/scan.csv", index=False, float_format="%.3g", lineterminator="\n")
            machine.write("scan", {"objects": count, "readers": scan.READERS, "load_average_at_start": load})
    print(tabulate(table, headers="keys", showindex=False, floatfmt=".3g"))


def draw(folder: Path, count: int) -> tuple[dict[str, bytes], list[str]]:
    """Objects by hash, each another one; and the ids of the images to look for."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    photos = generator.integers(0, 256, (count * 9 // 10, 28, 28, 3), dtype=np.uint8)
    files = [png(each) for each in photos]
    ids = np.array([image_id(each) for each in photos])
    members = (count - len(files)) // 4
    objects = {md5(each): each for each in files}
    for number in range(members):
        rows = np.arange(number * IN_TABLE, (number + 1) * IN_TABLE) % len(photos)
        pixels = photos[rows].transpose(0, 3, 1, 2)
        slices = np.arange(IN_TABLE) % 4
        shard = Shard(ids[rows], np.array(["cat"] * IN_TABLE), pixels, np.array(["leaked"] * IN_TABLE), slices)
        tables.write(folder / "table", shard)
        weights = {"w": torch.from_numpy(generator.random(25_000, dtype=np.float32))}  # 100 kB
        seen = Seen(slice_digests(shard, slices, 4), {"cat": IN_TABLE})
        write_checkpoint(folder, 3, Checkpoint(weights=weights, optimizer={}, log=[]), seen)
        member = [(folder / name).read_bytes() for name in ("table", "slice-4.safetensors")]
        member.append(f"slice,epoch,loss,accuracy,samples\n1,1,0.{number},0.5,{IN_TABLE}\n".encode())
        named = [
            {"md5": md5(member[2]), "relpath": "log.csv"},
            {"md5": md5(member[1]), "relpath": "slice-4.safetensors"},
        ]
        listing = json.dumps(named, sort_keys=True).encode()
        objects |= {md5(each): each for each in member} | {f"{md5(listing)}.dir": listing}
    return objects, ids[:SOUGHT].tolist()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "png")
    return file.getvalue()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def measure(scratch: Path, kind: str, cache: str, objects: dict[str, bytes], sought: list[str]) -> dict:
    repo = scratch / f"{kind}-{cache}".replace(" ", "-")
    (repo / "conf").mkdir(parents=True)
    shutil.copytree(ROOT / "conf/dataset", repo / "conf/dataset")
    os.chdir(repo)
    for command in (["git", "init", "--quiet"], ["dvc", "init", "--quiet"]):
        subprocess.run(command, check=True)
    with (folder_remote if kind == "folder" else bucket)(objects, repo) as requests:
        if cache == "full":
            fill(Path(".dvc/cache"), objects)
        places = stores.every()
        found, looking = timed(lambda: scan.survey(sought, places), requests)
        _, deleting = timed(lambda: scan.remove(found.findings, places), requests)
        left = scan.survey(sought, places)
    assert found.findings
    assert not left.findings
    assert not [*left.orphans, *left.undecided]
    return {
        "remote": kind,
        "objects": len(objects),
        "cache": cache,
        "found": sum(each.store == "storage" for each in found.findings),
        "scan_seconds": looking[0],
        "scan_requests": looking[1],
        "removal_seconds": deleting[0],
        "removal_requests": deleting[1],
    }


def timed(work: Callable, requests: Requests | None) -> tuple[object, tuple[float, int | None]]:
    """What the work returns, and its seconds and requests; a folder has none."""
    start, before = time.perf_counter(), requests.count if requests else 0
    result = work()
    return result, (time.perf_counter() - start, requests.count - before if requests else None)


def fill(top: Path, objects: dict[str, bytes]) -> None:
    for name, content in objects.items():
        path = top / "files/md5" / name[:2] / name[2:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@contextmanager
def folder_remote(objects: dict[str, bytes], repo: Path) -> Iterator[None]:
    fill(repo / "storage", objects)
    subprocess.run(["dvc", "remote", "add", "--quiet", "storage", str(repo / "storage")], check=True)
    yield


@contextmanager
def bucket(objects: dict[str, bytes], repo: Path) -> Iterator[Requests]:
    server, requests = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False), Requests()
    logger = logging.getLogger("werkzeug")
    logger.setLevel(logging.INFO)
    logger.addHandler(requests)
    logger.propagate = False
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        client = boto3.client("s3", endpoint_url=endpoint, **KEYS)
        client.create_bucket(Bucket=repo.name.lower())
        for name, content in tqdm(objects.items(), desc="filling the bucket", disable=None):
            client.put_object(Bucket=repo.name.lower(), Key=f"files/md5/{name[:2]}/{name[2:]}", Body=content)
        add = ["dvc", "remote", "add", "--quiet", "storage", f"s3://{repo.name.lower()}"]
        subprocess.run(add, check=True)
        secrets = {"access_key_id": KEYS["aws_access_key_id"], "secret_access_key": KEYS["aws_secret_access_key"]}
        for option, value in ({"endpointurl": endpoint} | secrets).items():
            subprocess.run(["dvc", "remote", "modify", "--quiet", "storage", option, value], check=True)
        yield requests
    finally:
        server.stop()
        logger.removeHandler(requests)


if __name__ == "__main__":
    machine.run(main)
