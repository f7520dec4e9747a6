"""Images are forgotten by request: exactly, in every shard that holds them, at the cost of the slices from there on."""

import json

import pandas as pd
import pytest

from sisa.base.errors import BadInput
from sisa.stages import unlearn, validate
from sisa.training.slicing import slice_epochs
from sisa.unlearning import requests
from sisa.unlearning.requests import Request

SHARDS = ["cat", "dog", "horse"]
EPOCHS = slice_epochs(2, 4)
FOLLOWS = ["baseline_retrained", "cost", "evaluate", "predict", "unlearn"]


def file_of(repo, image):
    roster = pd.read_csv(repo / "data/rosters/tiny.csv", index_col="id")
    return roster["file"][image]


def unleaked_in_the_last_slice(repo):
    """A dominant image of dog that no other shard holds, in the last of four slices."""
    shard, others = repo.shard("dog"), pd.concat([repo.shard("cat"), repo.shard("horse")])
    own = shard[(shard["role"] == "dominant") & ~shard["id"].isin(others["id"])]
    return own.loc[own["slice"] == 3, "id"].iloc[0]


def leaked(repo):
    """An image that all three shards hold, and its slice in each."""
    shards = {name: repo.shard(name).set_index("id") for name in SHARDS}
    common = set.intersection(*(set(shard.index) for shard in shards.values()))
    image = sorted(common, key=lambda each: -min(shard["slice"][each] for shard in shards.values()))[0]
    return image, {name: int(shard["slice"][image]) for name, shard in shards.items()}


def retraining(repo):
    return repo.metrics("cost")["retraining"]["shard"]


def expected_samples(repo, name, first, gone):
    """Each slice from `first` on is trained on the images of the slices up to it, less those gone."""
    left = repo.shard(name)
    left = left[~left["id"].isin(gone)]
    return EPOCHS * sum(int((left["slice"] <= number).sum()) for number in range(first, 4))


@pytest.mark.full
def test_one_image_after_another_costs_the_slices_they_touch_and_ends_as_both_at_once(sliced, four_slices, tmp_path):
    own, (everywhere, places) = unleaked_in_the_last_slice(sliced), leaked(sliced)
    sliced.empty_run_cache()
    before = sliced.files("models/retrained/tiny-3")

    sliced.src("forget", file_of(sliced, own), "--reason", "owner asked")
    assert sorted(sliced.dvc("repro").executed) == sorted([*FOLLOWS, "retrain@dog"])
    counted = retraining(sliced)
    assert counted["dog"]["untouched_slices"] == 3
    assert counted["dog"]["samples"] == counted["dog"]["predicted"] == expected_samples(sliced, "dog", 3, [own])
    assert [counted[name]["samples"] for name in ("cat", "horse")] == [0, 0]
    folder = "models/retrained/tiny-3"
    changed = {path for path, digest in sliced.files("models/retrained/tiny-3").items() if digest != before[path]}
    assert changed == {f"{folder}/dog.json", f"{folder}/dog/log.csv", f"{folder}/dog/slice-4.safetensors"}

    sliced.src("forget", everywhere, "--reason", "owner asked")
    executed = sliced.dvc("repro").executed
    assert sorted(executed) == sorted([*FOLLOWS, *(f"retrain@{name}" for name in SHARDS)])
    counted = retraining(sliced)
    for name in SHARDS:
        expected = expected_samples(sliced, name, places[name], [own, everywhere])
        assert counted[name]["untouched_slices"] == places[name]
        assert counted[name]["samples"] == counted[name]["predicted"] == expected
    assert sliced.metrics("retrained")["residual_copies"] == 0
    assert sliced.metrics("after")["members"] == 0
    assert "Proved: no served member" in sliced.src("audit").printed
    assert sliced.src("verify").printed.count("as from scratch\n") == len(SHARDS)

    at_once = four_slices.copied_to(tmp_path / "at once")
    at_once.empty_run_cache()
    at_once.src("forget", everywhere, own, "--reason", "owner asked")
    at_once.dvc("repro", "retrain")
    assert at_once.files(folder) == sliced.files(folder)
    assert "Proved for 2 images requested" in at_once.src("audit").printed


@pytest.fixture
def stages(low, monkeypatch):
    """The repository at low leakage, where cat is forgotten, as the current folder."""
    monkeypatch.chdir(low.path)
    return low


def ask(repo, *images, dataset="tiny"):
    requests.append(repo / "data/requests.csv", [Request(dataset, image, "2026-01-31", "why") for image in images])


def outcome(repo):
    unlearn.main()
    record = json.loads((repo / "data/forget_set.json").read_text())
    return repo.files("data/retained"), record["removed"]


def test_requests_that_change_nothing_are_notices(stages, capsys):
    before = outcome(stages)
    held_out = pd.read_parquet(stages / "data/test.parquet", columns=["id"])["id"][0]
    cat = stages.shard("cat").query("`class` == 'cat'")["id"]
    with_class = next(image for image in cat if image not in set(stages.shard("dog")["id"]))
    ask(stages, held_out, with_class)
    ask(stages, "cow/00.png")  # of a class that is not selected
    ask(stages, "x.png", dataset="animals10")
    capsys.readouterr()
    assert outcome(stages) == before
    printed = capsys.readouterr().out
    assert f"held out in the test set and in no shard: 1: line 2, {held_out}\n" in printed
    assert f"already forgotten: 1: line 3, {with_class}\n" in printed
    assert "of a class that is not selected, or a hole: 1: line 4, cow/00.png\n" in printed
    assert "x.png" not in printed


def test_a_class_and_images_are_forgotten_together(stages):
    _, of_class = outcome(stages)
    assert of_class.keys() == {"cat"}
    dog = set(stages.shard("dog")["id"])
    leaked_cat = next(image for image in of_class["cat"] if image in dog)
    horse = next(image for image in stages.shard("horse").query("role == 'dominant'")["id"] if image not in dog)
    ask(stages, leaked_cat, horse)
    _, removed = outcome(stages)
    assert removed.keys() == {"cat", "dog"} | set(stages.holders()[file_of(stages, horse)])
    assert set(removed["cat"]) >= set(of_class["cat"])
    assert removed["dog"] == [leaked_cat]  # the rest of what leaked stays, at scope dominant


def test_an_image_that_the_roster_never_held_is_refused_before_a_run_and_in_it(stages):
    ask(stages, "cat/00.png", "never.png")
    for refuse in (validate.main, unlearn.main):
        with pytest.raises(BadInput, match=r"data/requests\.csv, line 3: 'never\.png' is neither an id nor a raw file"):
            refuse()


def test_a_request_for_an_unknown_data_set_is_refused_before_a_run_and_in_it(stages):
    ask(stages, "cat/00.png", dataset="tyni")
    for refuse in (validate.main, unlearn.main):
        with pytest.raises(BadInput, match=r"line 2: unknown data set 'tyni'; write one of .*tiny"):
            refuse()


@pytest.mark.full
def test_forget_says_of_an_image_that_no_model_was_trained_on_that_nothing_is_to_be_retrained(low):
    held_out = pd.read_parquet(low / "data/test.parquet", columns=["id"])["id"][0]
    for image in (held_out, "cow/00.png"):
        printed = low.src("forget", image, "--reason", "because").printed
        assert "; no model here was trained on this image: nothing is to be retrained" in printed
    executed = low.dvc("repro").executed
    assert not [stage for stage in executed if stage.startswith(("train", "retrain", "baseline"))], executed


def test_forget_adds_what_is_known_and_new_and_nothing_else(low):
    first = low.src("forget", "cat/00.png", "--reason", "because").printed
    assert "added to data/requests.csv: 1" in first
    assert "carry it out" in first
    text = (low / "data/requests.csv").read_text()
    assert text.splitlines()[1].startswith("tiny,cat/00.png,20")
    again = low.src("forget", "cat/00.png", "data/raw/tiny/cat/01.png", "--reason", "because").printed
    assert "notice: changes nothing, requested before: 1: cat/00.png" in again
    assert "added to data/requests.csv: 1" in again
    longer = (low / "data/requests.csv").read_text()
    assert longer.startswith(text)
    assert "added" not in low.src("forget", "cat/01.png", "--reason", "because").printed
    complaint = low.src("forget", "cat/02.png", "nonsense", "--reason", "because", code=1).complaint
    assert "'nonsense' is neither an id nor a raw file on data/rosters/tiny.csv" in complaint
    assert (low / "data/requests.csv").read_text() == longer
