"""The notebooks' own table: their published figures, ours by their measure, and the held-out ones."""

import pandas as pd

from sisa.publishing.results import STATES, pair

DATASET = "animals10"  # the photos that the notebooks were run on
# Of the notebooks' own output: overall and forgotten class, in percent, on the shards' training images.
PUBLISHED = {
    (3, "high", "before"): (72.30, 76.22),
    (3, "high", "retrained"): (63.48, 18.44),
    (3, "low", "before"): (67.77, 48.71),
    (3, "low", "after"): (60.04, 11.41),
    (3, "low", "retrained"): (57.85, 3.76),
    (5, "high", "before"): (66.46, 68.50),
    (5, "high", "retrained"): (63.08, 34.70),
    (5, "low", "before"): (59.75, 14.71),
    (5, "low", "retrained"): (56.95, 0.00),
}
MEASURES = {
    "theirs, training images, averaged logits": None,
    "ours, the same": ("training_images", "mean_logits"),
    "ours, held-out, the same": ("held_out", "mean_logits"),
    "ours, held-out, prior-corrected": ("held_out", "prior_corrected"),
}


def rows(metrics: dict[str, dict]) -> list[dict]:
    """One row a state and measure: the shares right overall and of the forgotten class; none for other images."""
    if metrics["params"]["dataset"]["name"] != DATASET:
        return []
    return [
        {"state": state, "measured_on": which, "aggregation": aggregation}
        | {name: metrics[state][which][aggregation].get(name, float("nan")) for name in ("overall", "forgotten")}
        for state in STATES[:3]
        for which, aggregation in filter(None, MEASURES.values())
    ]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Overall (and forgotten class) in percent: theirs, ours by their measure, and the held-out ones."""
    found: dict = {}
    for key, runs in table.groupby(["classes", "leakage", "state"], sort=False):
        if key in PUBLISHED:
            theirs = "{:.1f} ({:.1f})".format(*PUBLISHED[key])
            by = dict(list(runs.groupby(["measured_on", "aggregation"])))
            found[key] = {
                name: pair(by[measure]["overall"], by[measure]["forgotten"]) if measure else theirs
                for name, measure in MEASURES.items()
            }
    return pd.DataFrame.from_dict(found, orient="index").rename_axis(["classes", "leakage", "state"]).reset_index()
