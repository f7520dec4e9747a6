"""Images that leaked as near copies stay where only exact copies are forgotten, and go with forget.near."""

import pytest

NEAR = {"flip", "crop", "recompress", "resize"}


@pytest.mark.full
def test_near_copies_stay_with_every_exact_copy_forgotten_and_go_on_request(untouched, tmp_path):
    repo = untouched.copied_to(tmp_path / "near")
    mixed = ["-S", "classes=3", "-S", "leakage.kind=mixed", "-S", "forget.scope=all"]
    repo.dvc("exp", "run", *mixed)
    dogs = repo.shard("dog")
    assert set(dogs["role"]) <= {"dominant", *NEAR}
    cats = dogs[dogs["class"] == "cat"]
    assert cats["role"].tolist()
    assert set(cats["id"]) <= set(repo.shard("cat")["id"])  # a near copy has the id of its original
    retrained = repo.metrics("retrained")
    assert (retrained["residual_copies"], retrained["residual_near_copies"]) == (0, 6)
    assert repo.metrics("summary")["before"]["residual_near_copies"] == 6
    audited = " ".join(repo.src("audit").printed.split())
    assert "NOT exact: 6 near copies left, as leakage.kind made them; scope all and forget.near=true would" in audited

    repo.dvc("exp", "run", *mixed, "-S", "forget.near=true")
    assert repo.metrics("retrained")["residual_near_copies"] == 0
    assert "Proved: no served member was trained on a forgotten image" in repo.src("audit").printed
    assert "as from scratch" in repo.src("verify", "dog").printed
