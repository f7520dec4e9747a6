"""What models answered comes back as it was written, for people who read Parquet too, or is refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sisa.base.errors import BadInput
from sisa.data.images import Images
from sisa.inference import outputs
from sisa.inference.outputs import HELD_OUT, TRAINING, UNUSED, ModelOutputs

CAT, FULL = Path("models/shards/cat"), Path("models/baseline_full")


def images(*ids):
    return Images(
        np.array(ids, dtype=np.str_), np.array(["cat"] * len(ids), dtype=np.str_), np.zeros((len(ids), 1, 2, 2))
    )


SETS = {HELD_OUT: images("a", "b"), TRAINING: images("b", "c", "d"), UNUSED: images()}


def model(shift, *counts):
    logits = {name: np.arange(len(each) * 2).reshape(-1, 2) / 8 + shift for name, each in SETS.items()}
    return ModelOutputs(logits, np.array(counts))


MODELS = {CAT: model(0, 8, 1), FULL: model(0.5, 8, 8)}


@pytest.fixture
def path(tmp_path):
    outputs.write(tmp_path / "logits.parquet", SETS, MODELS)
    return tmp_path / "logits.parquet"


def test_outputs_come_back_by_set_and_model_with_what_each_model_was_trained_on(path):
    asked, models = outputs.read(path)
    assert {name: each.ids.tolist() for name, each in asked.items()} == {
        HELD_OUT: ["a", "b"], TRAINING: ["b", "c", "d"], UNUSED: [],
    }  # fmt: skip
    assert asked[TRAINING].classes.tolist() == ["cat"] * 3
    assert list(models) == [CAT, FULL]
    for name, written in MODELS.items():
        assert models[name].counts.tolist() == written.counts.tolist()
        assert all(np.array_equal(models[name].logits[which], written.logits[which]) for which in SETS)
        assert models[name].logits[UNUSED].dtype == np.float64


def test_the_same_outputs_give_the_same_bytes(path, tmp_path):
    outputs.write(tmp_path / "again.parquet", SETS, MODELS)
    assert (tmp_path / "again.parquet").read_bytes() == path.read_bytes()


def test_pandas_reads_one_row_an_image_and_one_column_a_model(path):
    table = pd.read_parquet(path)
    assert list(table.columns) == ["set", "id", "class", str(CAT), str(FULL)]
    assert table[str(CAT)][1].tolist() == [0.25, 0.375]


def test_there_may_be_no_model(tmp_path):
    outputs.write(tmp_path / "none.parquet", SETS, {})
    asked, models = outputs.read(tmp_path / "none.parquet")
    assert (len(asked[HELD_OUT].ids), models) == (2, {})


@pytest.mark.parametrize("cut", [0, 10, -10])
def test_a_damaged_file_is_refused_with_the_way_back(cut, path):
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadInput, match=r"missing or damaged; bring it back: dvc checkout --force .*logits\.parquet"):
        outputs.read(path)


def test_a_table_of_another_kind_is_refused(tmp_path):
    pd.DataFrame({"id": ["a"]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(BadInput, match="missing or damaged"):
        outputs.read(tmp_path / "other.parquet")
