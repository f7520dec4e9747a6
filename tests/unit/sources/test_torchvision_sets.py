"""torchvision's data sets come from a local copy, or say what is missing."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import yaml

from sisa import sources
from sisa.base.errors import BadInput
from sisa.base.params import Dataset

CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def no_network(monkeypatch):
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, CLOSED)
    monkeypatch.delenv("no_proxy", raising=False)


def preset(name):
    path = Path(__file__).parents[3] / "conf/dataset" / f"{name}.yaml"
    return Dataset.model_validate(yaml.safe_load(path.read_text()))


def idx(values):
    """An array in the file format of MNIST."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


@pytest.fixture
def fashion(tmp_path):
    """A Fashion-MNIST of twelve training and four test images, in .gz files as Debian has them."""
    folder = tmp_path / "fashion"
    folder.mkdir()
    for part, count in (("train", 12), ("t10k", 4)):
        images = np.random.default_rng(count).integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(labels)))
    return folder


def test_a_local_fashion_mnist_is_unpacked_and_read_without_network(fashion, tmp_path, no_network):
    dataset = preset("fashion_mnist")
    sources.bring_in(dataset, fashion, tmp_path / "raw")
    found = [(file, name) for file, name, _ in sources.pictures(dataset, tmp_path / "raw", ["t-shirt", "trouser"])]
    assert found == [
        ("test#0", "t-shirt"),
        ("test#1", "trouser"),
        ("train#0", "t-shirt"),
        ("train#1", "trouser"),
        ("train#10", "t-shirt"),
        ("train#11", "trouser"),
    ]
    _, _, rgb = next(sources.pictures(dataset, tmp_path / "raw", ["bag"]))
    assert rgb.shape == (28, 28, 3)
    assert (rgb == rgb[:, :, :1]).all()


def test_a_data_set_that_is_there_is_left_alone(fashion, tmp_path, no_network):
    dataset = preset("fashion_mnist")
    sources.bring_in(dataset, fashion, tmp_path / "raw")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*")}
    sources.bring_in(dataset, None, tmp_path / "raw")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "raw").rglob("*")} == before


def test_a_damaged_local_copy_is_refused(fashion, tmp_path, no_network):
    packed = fashion / "train-images-idx3-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:100])
    with pytest.raises(BadInput, match=r"train-images-idx3-ubyte\.gz: damaged"):
        sources.bring_in(preset("fashion_mnist"), fashion, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist"])
def test_no_network_and_no_local_copy_is_said_with_the_way_out(name, tmp_path, no_network):
    with pytest.raises(BadInput, match=f"no local copy of .* cannot be downloaded .* make data DATASET={name} FROM="):
        sources.bring_in(preset(name), None, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_a_folder_without_the_data_set_is_refused(tmp_path, no_network):
    with pytest.raises(BadInput, match=r"no copy of CIFAR10; expected cifar-10-python\.tar\.gz"):
        sources.bring_in(preset("cifar10"), tmp_path, tmp_path / "raw")


def test_a_cifar10_pickle_that_is_not_the_authors_is_never_unpickled(tmp_path, no_network):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(f"cos\nmkdir\n(S'{tmp_path}/unpickled'\ntR.".encode())
    with pytest.raises(BadInput, match="no whole copy of CIFAR10"):
        sources.bring_in(preset("cifar10"), tmp_path, tmp_path / "raw")
    with pytest.raises(BadInput, match="torchvision cannot read it"):
        list(sources.pictures(preset("cifar10"), tmp_path, ["cat"]))
    assert not (tmp_path / "unpickled").exists()


def test_a_label_that_torchvision_lacks_is_named(fashion, tmp_path):
    dataset = preset("fashion_mnist")
    sources.bring_in(dataset, fashion, tmp_path / "raw")
    with pytest.raises(BadInput, match=r"class gloves .* which has only T-shirt/top"):
        list(sources.pictures(dataset, tmp_path / "raw", ["gloves"]))


@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist"])
def test_erasing_single_images_is_refused_with_the_way_that_there_is(name, tmp_path):
    with pytest.raises(BadInput, match=f"{name}: .*cannot be erased from it; unlearn them instead"):
        sources.erase(preset(name), tmp_path, {"0" * 64})
