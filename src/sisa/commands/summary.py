"""Print the held-out accuracies, the residual copies and the cost of unlearning, from the metrics in place."""

import argparse

import pandas as pd
from tabulate import tabulate

from sisa.base.errors import BadInput
from sisa.base.params import forgotten_classes
from sisa.base.text import for_number, in_words, number_of
from sisa.publishing import readable, runs, tables
from sisa.publishing.metrics_table import BASELINE_RETRAINED
from sisa.scenarios.grid import BY_CLASS
from sisa.unlearning.forget_set import SCOPES
from sisa.unlearning.states import RETRAINED


def main(options: argparse.Namespace) -> None:
    run = runs.in_place()
    if why := runs.outdated(run.params):
        print(f"notice: these figures are of another run: {why}; run dvc repro")
    print(scenario_line(run.params))
    forgotten = forgotten_classes(run.params["forget"]["class"])
    what = f"the forgotten {for_number(len(forgotten), 'class')}"
    of_class = f" (and of {what}: {in_words(forgotten)})" if forgotten else ""
    print(f"held-out accuracy in percent, overall{of_class}")
    print(tabulate(readable.accuracy(tables.accuracy(run.table)), headers="keys", showindex=False))
    if forgotten:
        it = "it" if len(forgotten) == 1 else "one of them"
        print(f"of {what}: held-out images named and others taken for {it}, in percent, and AUROC")
        table = readable.recognition(tables.recognition(run.table))
        print(tabulate(table, headers="keys", showindex=False, disable_numparse=True))
    said = run.table.set_index(["state", "aggregation", "measure"])["value"]
    near = said.get((RETRAINED, "", "residual_near_copies"), 0)  # what older versions wrote has none
    of_near = f"; near copies: {near:,.0f}" if near else ""
    print(f"residual copies in the retrained ensemble: {said[RETRAINED, '', 'residual_copies']:,.0f}{of_near}")
    print(cost_line(said[:, ""]))


def scenario_line(params: dict) -> str:
    """Which scenario a params.yaml is, in words."""
    request = params["forget"]
    forgotten = forgotten_classes(request["class"]) or ("no class",)
    parts = [
        f"{params['dataset']['name']}, {params['classes']} classes",
        leakage_in_words(params["leakage"])
        if runs.sharding_of(params) == BY_CLASS
        else dealt_in_words(params["shards"]),
        f"{in_words(forgotten)} forgotten at scope {request['scope']}",
        f"aggregation {params['aggregation']}, seed {params['seed']}, split_seed {params['split_seed']}",
    ]
    return f"scenario in the workspace: {'; '.join(parts)}"


def dealt_in_words(shards: list[str]) -> str:
    return f"each image in one of {number_of(len(shards), 'shard')}, at random"


def leakage_in_words(leakage: dict) -> str:
    """What the section `leakage` of a params.yaml says of the images that a shard has of the other classes."""
    leaked, reach, restricted = (leakage[key] for key in ("leaked", "reach", "restricted"))
    if not leaked:
        return "no image leaked: each shard has its own class only"
    kind = leakage.get("kind", "copy")
    as_what = "" if kind == "copy" else f" as {kind}"
    everywhere = f"{number_of(leaked, 'image')} of each class leaked into every other shard{as_what}"
    if reach == "all" or not restricted:
        return everywhere
    next_ones = "no shard" if reach == 0 else "the next shard" if reach == 1 else f"the next {reach} shards"
    return f"{everywhere}, but those of {', '.join(restricted)} into {next_ones}{' only' if reach else ''}"


def cost_line(said: pd.Series) -> str:
    """Samples by state and measure, in words. Raises BadInput where one is not there."""
    try:
        full, again = said[BASELINE_RETRAINED, "samples"], said[RETRAINED, "samples"]
        scopes = ", ".join(f"at scope {scope} {said[RETRAINED, f'samples, scope {scope}']:,.0f}" for scope in SCOPES)
    except KeyError as error:
        raise BadInput("metrics/cost.json: not what this version writes; run dvc repro") from error
    speed_up = f" (speed-up {full / again:.1f})" if again else ""
    return f"samples processed: full retraining {full:,.0f}, unlearning {again:,.0f}{speed_up}; {scopes}"
