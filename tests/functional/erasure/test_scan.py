"""Scan finds whatever holds an image or saw it, in every kind of store; removal leaves no pixel of it, and no less."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.inside import inside
from support.pixels import holders, in_folders, needles
from support.remotes import Remote, client, stored
from support.repo import Repo, environment, made_once, store_object

from sisa.base.errors import BadInput
from sisa.erasure import scan, stores
from sisa.erasure.scan import Survey


@pytest.fixture(scope="session")
def planted(shared, four_slices):
    """Three classes in four slices with nothing forgotten, an experiment that forgot cats, and a lost table."""

    def make(repo: Repo) -> None:
        four_slices.copied_to(repo.path)
        repo.dvc("exp", "run", "--name", "no-cats", *sets("classes=3", "slices=4", "forget.class=cat"))
        repo.git("checkout", "--quiet", ".")
        repo.dvc("checkout", "--force")
        lost = pq.read_table(repo / "data/shards/cat.parquet").select(["id", "pixels"])
        store_object(repo / ".dvc/cache", table_bytes(lost))

    return made_once(shared, "planted", make)


def sets(*choices: str) -> list[str]:
    return [word for choice in choices for word in ("-S", choice)]


def table_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()


@pytest.fixture
def erasable(planted, tmp_path):
    return planted.copied_to(tmp_path / "erasable")


def leaked_late(repo: Repo) -> tuple[str, str]:
    """The raw file and id of a cat that its own shard has in a slice after the first, and another shard as well."""
    cats, dogs = repo.shard("cat"), repo.shard("dog")
    rows = cats[(cats["class"] == "cat") & (cats["slice"] > 0) & cats["id"].isin(dogs["id"])]
    image = rows["id"].iloc[0]
    lines = (repo / "data/rosters/tiny.csv").read_text().splitlines()
    return next(line.split(",")[0] for line in lines if image in line), image


def locally(repo: Repo) -> Iterator[tuple[str, bytes]]:
    return in_folders(repo / ".dvc/cache", repo / ".dvc/tmp", repo / "data", repo / "models")


def removed(repo: Repo, image: str) -> Survey:
    """What a removal in this repository found."""
    with inside(repo.path, environment(repo.path.parent)):
        places = stores.every()
        found = scan.survey([image], places)
        scan.remove(found.findings, places)
    return found


class Stopped(Exception):
    """As by a kill, in place of a deletion."""


@pytest.fixture
def stop_after(monkeypatch):
    """A function that lets the removals to come delete so many files, one by one, and then stops them."""
    delete, left = stores.Store.delete, [0]

    def counted(store, keys):
        left[0] -= 1
        if left[0] < 0:
            raise Stopped
        delete(store, keys)

    def after(deletions: int) -> list[int]:
        left[0] = deletions
        return left

    monkeypatch.setattr(stores.Store, "delete", counted)
    monkeypatch.setattr(scan, "BATCH", 1)
    return after


@pytest.mark.full
def test_nothing_of_an_image_is_left_in_any_store_and_everything_else_stays(erasable, remote):
    """In buckets and behind SSH as well: see test_erasing.py."""
    storage = remote("folder")
    storage.add_to(erasable)
    erasable.dvc("push", "--run-cache")
    lost = pq.read_table(erasable / "data/shards/dog.parquet").select(["pixels", "id"])
    store_object(Path(storage.url), table_bytes(lost))  # there alone, and no lock names it
    file, image = leaked_late(erasable)
    wanted = needles([erasable / "data/raw/tiny" / file], 16)
    there = dict(stored(storage))
    assert holders(locally(erasable), wanted)
    assert holders(there.items(), wanted)

    counted = erasable.src("scan", file, code=1)
    assert len(counted.printed.splitlines()) < 30
    assert "with --all" in counted.complaint
    listed = erasable.src("scan", "--all", file, code=1)
    for kind_of_file in (
        "photo",
        "table of images",
        "checkpoint",
        "training log",
        "directory listing",
        "run-cache entry",
    ):
        for store in ("storage", "cache"):
            for printed in (counted.printed, listed.printed):
                assert any(store in line and kind_of_file in line for line in printed.splitlines()), kind_of_file
    (names,) = [line for line in counted.printed.splitlines() if line.startswith("Name what was found or erased: ")]
    assert "branch main, " in names
    assert "experiment no-cats, " in names

    first = erasable.path / "models/shards/tiny-3/cat/slice-1.safetensors"
    early = hashlib.md5(first.read_bytes()).hexdigest()
    cleared = removed(erasable, image).cleared
    assert holders(locally(erasable), wanted) == []
    left = dict(stored(storage))
    assert holders(left.items(), wanted) == []
    assert "found: 0 files that hold one" in erasable.src("scan", image, code=1).complaint
    (erasable / "receipts").mkdir()
    (erasable / "receipts/one.json").write_text(json.dumps({"images": [image], "objects": [], "cleared": cleared}))
    ended_well = erasable.src("scan", image).printed
    assert "\nnothing" in ended_well
    assert "found or erased" not in ended_well
    assert any(f"{early[:2]}/{early[2:]}" in name for name in left), "the slice before the image was shared and clean"
    kept = {name for name in there if name in left}
    other_photos = [name for name, content in there.items() if content[:4] == b"\x89PNG"]
    assert len(other_photos) - len(kept & set(other_photos)) == 1


def test_a_push_after_a_removal_does_not_skip_what_was_deleted(fresh, remote):
    remote("folder").add_to(fresh)
    fresh.dvc("push")
    row = next(line for line in (fresh / "data/rosters/tiny.csv").read_text().splitlines() if line.startswith("cat/"))
    image = row.split(",")[1]
    whole = fresh.copied_to(fresh.path.with_name("whole"))
    removed(fresh, image)
    assert "\nnothing" in fresh.src("scan", image).printed
    fresh.take_cache_of(whole)
    fresh.dvc("push")
    listed = fresh.src("scan", image, code=1).printed.splitlines()
    assert any(line.startswith("storage") and "photo" in line for line in listed)


@pytest.mark.full
def test_a_removal_that_is_stopped_twice_is_finished_by_the_next(erasable, stop_after):
    _, image = leaked_late(erasable)
    whole = erasable.copied_to(erasable.path.with_name("whole"))
    left = stop_after(1_000_000)
    removed(whole, image)
    total = 1_000_000 - left[0]
    for deletions in np.random.default_rng(0).integers(1, total // 3, 2).tolist():
        stop_after(deletions)
        with pytest.raises(Stopped):
            removed(erasable, image)
    stop_after(1_000_000)
    removed(erasable, image)
    assert erasable.files(".dvc/cache", "data", "models") == whole.files(".dvc/cache", "data", "models")


def test_what_was_left_half_written_or_beside_is_found(fresh):
    photo = next((fresh / "data/raw/tiny/cat").iterdir())
    places = [".dvc/tmp/exps/run/data/raw/a.png", "data/raw/tiny/cat/.a.png.1.part", "models/.partial-x/a.png"]
    for place in places:
        (fresh / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photo, fresh / place)
    cut = fresh / "data/.pool.parquet.1.part"
    cut.write_bytes(b"PAR1 and no more")
    printed = fresh.src("scan", "--all", f"cat/{photo.name}", code=1).printed
    for place in [*places, str(cut.relative_to(fresh.path))]:
        assert place in printed


def test_objects_where_dvc_2_kept_them_are_found(fresh):
    photo = next((fresh / "data/raw/tiny/cat").iterdir())
    name = hashlib.md5(photo.read_bytes()).hexdigest()
    legacy = fresh / f".dvc/cache/{name[:2]}/{name[2:]}"
    legacy.parent.mkdir(exist_ok=True)
    shutil.copy(photo, legacy)
    assert f"{name[:2]}/{name[2:]}" in fresh.src("scan", "--all", "--local", f"cat/{photo.name}", code=1).printed


def test_an_image_on_no_roster_is_looked_for_by_its_id(fresh):
    printed = fresh.src("scan", "0" * 64).printed
    assert "\nnothing" in printed
    assert "not looked for: near-duplicates" in printed
    assert "neither an id nor a raw file" in fresh.src("scan", "nobody.png", code=1).complaint
    assert "is not on" in fresh.src("scan", "--class", "unicorn", code=1).complaint


def test_what_an_earlier_receipt_names_is_found_wherever_it_turns_up(fresh):
    content = b"a model of which nothing else tells"
    path = store_object(fresh / ".dvc/cache", content)
    (fresh / "receipts").mkdir()
    receipt = {"objects": [{"store": "cache", "hash": hashlib.md5(content).hexdigest(), "size": 1, "kind": "other"}]}
    (fresh / "receipts/one.json").write_text(json.dumps(receipt))
    printed = fresh.src("scan", "--all", "0" * 64, code=1).printed
    assert path.name in printed
    assert "an earlier receipt" in printed


@pytest.mark.full
@pytest.mark.parametrize("kind", ["s3", "ssh"])
@pytest.mark.parametrize("user", ["stranger", "down"])
def test_a_remote_that_does_not_answer_is_refused_in_one_line(kind, user, fresh, remote):
    remote(kind, user).add_to(fresh)
    assert "remote storage cannot be looked into" in fresh.src("scan", "0" * 64, code=1).complaint
    assert "\nnothing" in fresh.src("scan", "--local", "0" * 64).printed


@pytest.mark.full
@pytest.mark.parametrize("kind", ["s3", "ssh"])
def test_nothing_is_deleted_anywhere_when_a_remote_is_read_only(kind, fresh, remote):
    writer, reader = (replace(each, url=f"{each.url}/read-only") for each in (remote(kind), remote(kind, "reader")))
    writer.add_to(fresh)
    fresh.dvc("push")
    for option, value in (reader.options | {"url": reader.url}).items():
        fresh.dvc("remote", "modify", "storage", option, value)
    reader.unlock_in(fresh)
    before = fresh.files("data", ".dvc/cache")
    photo = next((fresh / "data/raw/tiny/cat").iterdir())
    image = next(
        line for line in (fresh / "data/rosters/tiny.csv").read_text().splitlines() if f"cat/{photo.name}," in line
    )
    with pytest.raises(BadInput, match="remote storage cannot be written"):
        removed(fresh, image.split(",")[1])
    assert fresh.files("data", ".dvc/cache") == before


@pytest.mark.full
@pytest.mark.parametrize("url", ["s3://nowhere", "/nowhere/at/all"])
def test_a_bucket_or_folder_that_does_not_exist_is_refused(url, fresh, remote):
    replace(remote("s3"), url=url).add_to(fresh) if url.startswith("s3") else Remote(url).add_to(fresh)
    assert "remote storage cannot be looked into" in fresh.src("scan", "0" * 64, code=1).complaint


@pytest.mark.full
def test_a_bucket_that_keeps_versions_is_named(fresh, remote):
    versioned = replace(remote("s3"), url="s3://versioned")
    client(versioned).create_bucket(Bucket="versioned")
    client(versioned).put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    versioned.add_to(fresh)
    assert "storage may keep deleted files" in fresh.src("scan", "0" * 64).printed
