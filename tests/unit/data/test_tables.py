"""Tables come back as they were written, and equal images give equal bytes."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sisa.base.errors import BadInput
from sisa.data import tables
from sisa.data.images import Images, Pool, Shard

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)


@st.composite
def images_of_any_kind(draw):
    count = draw(st.integers(0, 5))
    text = [np.array(draw(st.lists(TEXT, min_size=count, max_size=count)), dtype=np.str_) for _ in range(3)]
    shape = draw(st.tuples(st.just(count), st.sampled_from([1, 3]), st.integers(1, 4), st.integers(1, 4)))
    pixels = draw(arrays.arrays(np.uint8, shape))
    slices = draw(arrays.arrays(np.int64, count))
    kinds = [
        Images(*text[:2], pixels),
        Pool(*text[:2], pixels, files=text[2]),
        Shard(*text[:2], pixels, roles=text[2], slices=slices),
    ]
    return draw(st.sampled_from(kinds))


@given(images=images_of_any_kind())
def test_images_come_back_as_they_were_written_and_in_the_same_bytes(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("tables")
    tables.write(folder / "one.parquet", images)
    back = tables.read(folder / "one.parquet", type(images))
    for name in vars(images):
        np.testing.assert_array_equal(getattr(back, name), getattr(images, name))
        assert getattr(back, name).dtype.kind == getattr(images, name).dtype.kind
    tables.write(folder / "two.parquet", back)
    assert (folder / "one.parquet").read_bytes() == (folder / "two.parquet").read_bytes()


SCRIPT = """
import sys, numpy as np
from pathlib import Path
from sisa.data import tables
from sisa.data.images import Shard
rng = np.random.default_rng(0)
text = np.array([str(n) for n in range(100)])
pixels = rng.integers(0, 256, (100, 3, 8, 8), dtype=np.uint8)
tables.write(Path(sys.argv[1]), Shard(text, text, pixels, roles=text, slices=np.arange(100)))
"""


def test_two_processes_write_the_same_bytes(tmp_path):
    sources = Path(__file__).parents[3] / "src"
    digests = set()
    for seed in ("1", "2"):
        path = tmp_path / f"{seed}.parquet"
        subprocess.run(
            [sys.executable, "-c", SCRIPT, path], check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(sources)}
        )
        digests.add(hashlib.sha256(path.read_bytes()).hexdigest())
    assert len(digests) == 1


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "pool.parquet"
    pixels = np.random.default_rng(0).integers(0, 256, (9, 3, 8, 8), dtype=np.uint8)
    text = np.array([f"name {n}" for n in range(9)])
    tables.write(path, Pool(text, text, pixels, files=text))
    return path


def test_a_missing_table_is_named_with_the_way_out(tmp_path):
    with pytest.raises(
        BadInput, match=r"none\.parquet: no such file; bring it back with `dvc checkout --force .*none\.parquet`"
    ):
        tables.read(tmp_path / "none.parquet", Pool)


def test_a_truncated_or_foreign_file_is_refused(table):
    whole = table.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:-1], b"", b"no table", whole[:-4] + b"PAR2"):
        table.write_bytes(content)
        with pytest.raises(BadInput, match=r"pool\.parquet: .*dvc repro"):
            tables.read(table, Pool)


def test_a_flipped_bit_is_noticed(table):
    content = bytearray(table.read_bytes())
    content[len(content) // 2] ^= 1
    table.write_bytes(content)
    with pytest.raises(BadInput, match=r"pool\.parquet: "):
        tables.read(table, Pool)


@pytest.mark.parametrize("kind", [Images, Shard])
def test_a_table_of_another_kind_is_refused(table, kind):
    with pytest.raises(BadInput, match="its columns are id, class, file, pixels"):
        tables.read(table, kind)


def test_a_table_that_others_wrote_is_refused(tmp_path):
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(BadInput, match="does not say how large its images are"):
        tables.read(tmp_path / "other.parquet", Images)


def test_a_failing_write_leaves_the_old_file_and_nothing_beside_it(table):
    before = table.read_bytes()
    wrong = np.zeros((1, 3, 8, 8), dtype=np.uint8)
    with pytest.raises(pa.ArrowException):
        tables.write(table, Pool(np.array([["a"]]), np.array(["a"]), wrong, files=np.array(["a"])))
    assert table.read_bytes() == before
    assert [path.name for path in table.parent.iterdir()] == ["pool.parquet"]
