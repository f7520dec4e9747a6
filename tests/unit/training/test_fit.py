"""A model is trained into its folder as a whole, and keeps the checkpoints that a request left untouched."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sisa.base.params import Augment, Cnn, load
from sisa.data.images import Shard
from sisa.training import checkpoints, loop
from sisa.training.checkpoints import Seen
from sisa.training.fit import fit
from sisa.training.resume import retrain, taken, untouched_by
from sisa.training.slicing import slice_digests

COMMITTED = load(Path(__file__).parents[3] / "params.yaml")
STILL = Augment(flip=False, rotate=0.0, scale=0.0, shift=0.0, color=0.0, cutout=0.0)
RECIPE = {
    "network": Cnn(name="cnn", patch=2, stride=2, filters=4, widths=[4], pool="max"),
    "epochs": 2,
    "batch_size": 4,
    "augment": STILL,
}
TRAIN = COMMITTED.train.model_copy(update=RECIPE)
PARAMS = COMMITTED.model_copy(update={"train": TRAIN, "classes": 3, "shards": ["cat", "dog", "horse"]})
SHARD = Shard(
    ids=np.array([f"{number:02}" for number in range(12)]),
    classes=np.array(["horse", "cat", "cat"] * 4),
    pixels=np.random.default_rng(0).integers(0, 256, (12, 1, 8, 8), dtype=np.uint8),
    roles=np.array(["leaked", "dominant", "dominant"] * 4),
    slices=np.arange(12) // 4,
)
IN_PLAY = PARAMS.model_copy(update={"train": TRAIN.model_copy(update={"augment": COMMITTED.train.augment})})
MANY = Shard(
    ids=np.array([f"{number:02}" for number in range(34)]),
    classes=np.array(["cat", "horse", "cat", "dog"] * 8 + ["cat", "dog"]),
    pixels=np.random.default_rng(1).integers(0, 256, (34, 1, 8, 8), dtype=np.uint8),
    roles=np.array(["dominant", "leaked", "dominant", "leaked"] * 8 + ["dominant", "leaked"]),
    slices=np.zeros(34, dtype=np.int64),
)
FOLDER, RETRAINED = Path("models/shards/pets-3/cat"), Path("models/retrained/pets-3/cat")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def fitted(folder, shard, **options):
    fit(folder, "cat", shard, shard.slices, 3, PARAMS, **options)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_member_has_a_checkpoint_a_slice_and_one_log():
    assert fitted(FOLDER, SHARD).keys() == {"log.csv", *(f"slice-{number}.safetensors" for number in (1, 2, 3))}
    log = checkpoints.read_log(FOLDER)
    assert [(row["slice"], row["samples"]) for row in log] == [(1, 4), (2, 8), (3, 12)]
    digests = slice_digests(SHARD, SHARD.slices, 3)
    assert checkpoints.read_seen(FOLDER, 0) == Seen(digests[:1], {"cat": 2, "dog": 0, "horse": 2})
    assert checkpoints.read_seen(FOLDER, 2) == Seen(digests, {"cat": 8, "dog": 0, "horse": 4})


@pytest.mark.parametrize("touched", [0, 1, 2])
def test_retraining_keeps_untouched_checkpoints_and_ends_as_if_trained_from_scratch(touched, monkeypatch):
    before = fitted(FOLDER, SHARD)
    retained = SHARD.take((SHARD.slices < touched) | (SHARD.classes != "cat"))
    after = fitted(RETRAINED, retained, resume=(FOLDER, touched))
    for number in range(3):
        name = checkpoints.slice_file(FOLDER, number).name
        assert (after[name] == before[name]) == (number < touched)
    assert fitted(FOLDER, retained) == after


def member(folder, shard, slices, **options):
    """The SHA-256 of each file of a member of MANY, or of a part."""
    fit(folder, "cat", shard, shard.slices, slices, IN_PLAY, **options)
    return checkpoints.fingerprints(folder)


def cut(slices):
    return replace(MANY, slices=np.arange(len(MANY)) * slices // len(MANY))


CLASS, IMAGE = "a class from there on", "an image"


@pytest.mark.parametrize("removed", [CLASS, IMAGE])
@pytest.mark.parametrize(("slices", "touched"), [(count, first) for count in (1, 2, 4, 8) for first in range(count)])
def test_a_retrained_member_has_the_hashes_of_one_trained_from_scratch(slices, touched, removed):
    shard = cut(slices)
    before = member(FOLDER, shard, slices)
    gone = (shard.slices >= touched) & (shard.classes == "cat")
    if removed == IMAGE:
        gone = np.arange(len(shard)) == np.flatnonzero(gone)[0]
    retained = shard.take(~gone)
    seen = {int((retained.slices <= number).sum()) for number in range(touched, slices)}
    assert removed == CLASS or any(count % IN_PLAY.train.batch_size == 1 for count in seen)  # a last batch of one
    after = member(RETRAINED, retained, slices, resume=(FOLDER, touched))
    assert after == member(FOLDER, retained, slices)
    for number in range(slices):
        name = checkpoints.slice_file(FOLDER, number).name
        assert (after[name] == before[name]) == (number < touched)


def test_retraining_does_not_train_the_untouched_slices_again(monkeypatch):
    fitted(FOLDER, SHARD)
    trained = []
    train_slice = loop.train_slice
    monkeypatch.setattr(
        loop, "train_slice", lambda *rest: (trained.append(len(rest[2])), (yield from train_slice(*rest)))
    )
    fitted(RETRAINED, SHARD.take(np.arange(12) != 11), resume=(FOLDER, 2))
    assert trained == [11]


def test_images_that_go_one_after_another_end_as_all_at_once_and_the_later_pays_for_itself_alone():
    params, gone = PARAMS.model_copy(update={"slices": 3}), np.isin(np.arange(12), [0, 11])
    first, both = SHARD.take(np.arange(12) > 0), SHARD.take(~gone)
    fitted(FOLDER, SHARD)
    at_once = retrain("cat", both, FOLDER, RETRAINED, params)
    here = Path("models/stream/cat")
    assert retrain("cat", first, FOLDER, here, params).samples == 3 + 7 + 11
    assert retrain("cat", both, here, here, params).samples == 10
    assert checkpoints.fingerprints(here) == checkpoints.fingerprints(RETRAINED)
    assert taken(both, untouched_by(FOLDER, both, 3), here, 3) == at_once


def test_an_empty_shard_becomes_an_empty_member():
    assert fitted(FOLDER, SHARD.take(np.zeros(12, bool))) == {"log.csv": b"slice,epoch,loss,accuracy,samples\n"}
    assert checkpoints.last_slice(FOLDER) is None


def test_an_empty_member_is_no_start_for_retraining():
    fitted(FOLDER, SHARD.take(SHARD.slices > 0))
    late = SHARD.take(SHARD.slices > 1)
    assert fitted(RETRAINED, late, resume=(FOLDER, 1)) == fitted(FOLDER, late)


def test_a_failure_leaves_the_old_folder_as_it_was(monkeypatch):
    before = fitted(FOLDER, SHARD)

    def failing(*arrays, **options):
        yield next(train_member(*arrays, **options))
        raise MemoryError

    train_member = loop.train_member
    monkeypatch.setattr(loop, "train_member", failing)
    with pytest.raises(MemoryError):
        fitted(FOLDER, SHARD.take(np.arange(12) > 0))
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == before
    assert [path.name for path in Path("models").iterdir()] == ["shards"]


def test_the_thread_count_is_the_recipes():
    loop.be_deterministic(2)
    fitted(FOLDER, SHARD.take(SHARD.slices < 0))
    assert loop.torch.get_num_threads() == 1


def test_the_same_shard_gives_the_same_bytes_wherever_they_are_written():
    assert fitted(FOLDER, SHARD) == fitted(RETRAINED, SHARD)
