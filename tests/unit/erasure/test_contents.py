"""What a file is, told by its bytes alone."""

import gzip
import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from dvc.fs import LocalFileSystem
from PIL import Image

from sisa.data import tables
from sisa.data.images import Candidates, Images, Shard, image_id
from sisa.erasure import contents
from sisa.erasure.contents import ArrayFormat, Formats, inspect, with_slices
from sisa.erasure.scan import formats_here
from sisa.erasure.stores import Blob, Store
from sisa.inference import outputs, shadows
from sisa.inference.outputs import ModelOutputs
from sisa.training.checkpoints import Seen, write_checkpoint
from sisa.training.loop import Checkpoint
from sisa.training.slicing import slice_digests

IDS = [digit * 64 for digit in "abcdef"]
FORMATS = Formats(frozenset({ArrayFormat(7, (4, 4))}))


@pytest.fixture
def store(tmp_path):
    return Store("cache", LocalFileSystem(), str(tmp_path))


@pytest.fixture
def look(store, tmp_path):
    """A function that puts bytes into a store and looks into them for the first id and others."""

    def look(content: bytes, wanted=(IDS[0],), key: str = "files/md5/aa/x", formats: Formats = FORMATS):
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return inspect(store, Blob(key, len(content), key), wanted, formats)

    return look


def shard() -> Shard:
    """Six images, two in each of three slices."""
    pixels = np.arange(6 * 16, dtype=np.uint8).reshape(6, 1, 4, 4)
    return Shard(np.array(IDS), np.array(["cat"] * 6), pixels, np.array(["dominant"] * 6), np.array([0, 0, 1, 1, 2, 2]))


def written(tmp_path: Path, images: Images) -> bytes:
    tables.write(tmp_path / "written.parquet", images)
    return (tmp_path / "written.parquet").read_bytes()


def test_a_table_tells_which_of_the_images_it_holds(look, tmp_path):
    found = look(written(tmp_path, shard()), [IDS[0], IDS[3], "0" * 64])
    assert (found.kind, found.ids) == (contents.TABLE, {IDS[0], IDS[3]})


def test_a_large_table_is_read_in_parts(store, tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (400, 3, 32, 32), dtype=np.uint8)
    ids = np.array([f"{number:064x}" for number in range(400)])
    tables.write(tmp_path / "large", Images(ids, np.array(["cat"] * 400), pixels))
    size, read = (tmp_path / "large").stat().st_size, []
    whole = Store.read

    def counting(self, key, start=0, end=None):
        content = whole(self, key, start, end)
        read.append(len(content))
        return content

    monkeypatch.setattr(Store, "read", counting)
    assert inspect(store, Blob("large", size, "large"), [ids[7]], Formats()).ids == {ids[7]}
    assert sum(read) < size / 4


def test_slices_of_a_table_have_the_digests_that_training_writes(store, tmp_path):
    content = written(tmp_path, shard())
    blob = Blob("written.parquet", len(content), "x")
    found = with_slices(store, blob, inspect(store, blob, [IDS[2]], Formats()))
    first, second, third, empty = slice_digests(shard(), shard().slices, 4)
    assert found.sliced == {first: set(), second: {IDS[2]}, third: set(), empty: set()}


def test_a_checkpoint_tells_the_slices_that_it_saw(look, tmp_path):
    checkpoint = Checkpoint(weights={"w": torch.zeros(3)}, optimizer={}, log=[])
    write_checkpoint(tmp_path, 1, checkpoint, Seen(["one", "two"], {"cat": 2}))
    content = (tmp_path / "slice-2.safetensors").read_bytes()
    assert look(content).digests == ("one", "two")
    assert look(content[:-1]).kind == contents.UNREADABLE


def test_a_photo_is_known_by_its_pixels_whatever_its_file(look, tmp_path):
    rgb = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    for name in ("a.png", "a.webp"):
        Image.fromarray(rgb).save(tmp_path / name, lossless=True)
        found = look((tmp_path / name).read_bytes(), [image_id(rgb)])
        assert (found.kind, found.ids) == (contents.PHOTO, {image_id(rgb)})


def test_a_raw_array_is_looked_through_image_by_image(look):
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4), dtype=np.uint8)
    wanted = image_id(np.repeat(images[3][:, :, None], 3, axis=2))
    found = look(gzip.compress(b"pickled" + images.tobytes() + b"."), [wanted])
    assert (found.kind, found.ids) == (contents.ARRAY, {wanted})


def test_a_listing_names_its_files(look):
    files = [{"md5": "m" * 32, "relpath": "cat/1.png"}]
    assert look(json.dumps(files).encode()).files == {"cat/1.png": "m" * 32}


def test_an_entry_of_the_run_cache_is_a_run(look):
    entry = b"cmd: python src train_shards cat\ndeps:\n- {path: a, md5: x}\nouts:\n- {path: b, md5: y}\n"
    found = look(entry, key="runs/ab/abc/def")
    assert (found.run.stage, found.run.shard, found.run.hashes) == ("train_shards", "cat", {"x", "y"})


def test_logits_are_answers_about_images_and_no_table_of_images(look, store, tmp_path):
    outputs.write(tmp_path / "written.parquet", {"held_out": shard()}, {})
    content = (tmp_path / "written.parquet").read_bytes()
    found = look(content, [IDS[0], IDS[3], "0" * 64])
    assert (found.kind, found.ids) == (contents.ANSWERS, {IDS[0], IDS[3]})
    assert with_slices(store, Blob("written.parquet", len(content), "x"), found).sliced == {}


def test_a_parquet_file_that_names_no_image_is_none_of_ours(look):
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"accuracy": [0.5]}), sink)
    assert look(sink.getvalue().to_pybytes()).kind == contents.OTHER


def test_answers_of_shadow_members_tell_whom_they_are_about(look, tmp_path):
    images, logits = shard(), np.zeros((len(shard()), 2))
    told = {shadows.column("before", 0): ModelOutputs({shadows.CANDIDATES: logits}, np.array([1, 1]))}
    outputs.write(tmp_path / "written.parquet", {shadows.CANDIDATES: images}, told)
    found = look((tmp_path / "written.parquet").read_bytes(), [IDS[0], "0" * 64])
    assert (found.kind, found.ids) == (contents.SHADOWS, {IDS[0]})


def test_candidates_tell_also_of_the_images_in_whose_places_others_are_trained_on(look, tmp_path):
    text = (np.array([each] * 6) for each in ("f" * 63 + "0", "canaries", "01"))
    dealt = Candidates(shard().ids, shard().classes, shard().pixels, *text)
    found = look(written(tmp_path, dealt), [IDS[0], "f" * 63 + "0", "0" * 64])
    assert (found.kind, found.ids) == (contents.TABLE, {IDS[0], "f" * 63 + "0"})


def test_the_answers_that_shadow_models_once_gave_tell_whom_they_are_about(look):
    text = f"id,held,shadow,inside,log_odds\n{IDS[0]},1,0,1,0.5\n"
    assert look(text.encode()).ids == {IDS[0]}


@pytest.mark.parametrize("content", [b"PK\x03\x04zip", b"\x80\x04pickle", b"PAR1 cut off", b"\x1f\x8b cut off"])
def test_archives_pickles_and_files_cut_off_cannot_be_told(look, content):
    assert look(content).kind == contents.UNREADABLE


@pytest.mark.parametrize("content", [b"", b"hello", b'{\n "summary": {}}', b"slice,epoch\n"])
def test_anything_else_is_none_of_ours(look, content):
    assert look(content).kind == contents.OTHER


def test_a_photo_as_large_as_a_data_set_takes_it_is_looked_into(look, tmp_path, monkeypatch):
    content = io.BytesIO()
    Image.new("RGB", (2_000, 1_000)).save(content, "PNG")
    wanted = [image_id(np.zeros((1_000, 2_000, 3), dtype=np.uint8))]
    assert look(content.getvalue(), wanted, formats=Formats(megapixels=1)).kind == contents.UNREADABLE
    assert look(content.getvalue(), wanted, formats=Formats(megapixels=2)).ids == {*wanted}
    monkeypatch.chdir(tmp_path)
    assert formats_here() == Formats()
    Path("conf/dataset").mkdir(parents=True)
    for name, megapixels in {"small": 1, "large": 200}.items():
        Path(f"conf/dataset/{name}.yaml").write_text(f"source: {{kind: folder, megapixels: {megapixels}}}\n")
    assert formats_here().megapixels == 200
