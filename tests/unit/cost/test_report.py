"""The report adds up what the shards took, and has the training logs as curves."""

from sisa.cost.report import loss_curves, summed


def test_loss_curves_count_epochs_on_through_the_slices():
    log = [{"slice": number, "epoch": epoch, "loss": 1.0, "accuracy": 0.5} for number in (1, 2) for epoch in (1, 2)]
    header, *rows = loss_curves({"cat": log})
    assert [dict(zip(header, row, strict=True))["epoch"] for row in rows] == [1, 2, 3, 4]
    assert loss_curves({"cat": []}) == [header]


def test_totals_stand_above_the_shards():
    shards = {
        "cat": {"images": 1, "samples": 10, "predicted": 11},
        "dog": {"images": 2, "samples": 30, "predicted": 31, "untouched_slices": 1},
    }
    assert summed(shards) == {"images": 3, "samples": 40, "predicted": 42, "shard": shards}
