"""Print the held-out accuracies, the residual copies and the cost of unlearning, from the metrics in place."""

from pathlib import Path

import pandas as pd
from tabulate import tabulate

from sisa.base.errors import BadInput
from sisa.base.files import read_json
from sisa.base.params import load
from sisa.publishing import results, tables


def main() -> None:
    params = load()
    metrics = {name: read_json(Path(f"metrics/{name}.json"), dict) for name in (*results.METRICS, "cost")}
    rows = results.rows(metrics)
    if not {"scope", "retraining"} <= metrics["cost"].keys():
        raise BadInput("metrics/cost.json: not what this version writes; run dvc repro")
    of_class = f" (and of the forgotten class: {params.forget.class_})" if params.forget.class_ else ""
    print(f"held-out accuracy in percent, overall{of_class}")
    print(tabulate(results.pivot(pd.DataFrame(rows)), headers="keys", tablefmt="simple", showindex=False))
    if params.forget.class_:
        print("of the forgotten class: held-out images named and others taken for it, in percent, and AUROC")
        rows = pd.DataFrame(tables.recognition_rows(metrics)).assign(classes="", leakage="", scope="")
        table = tables.recognition_readable(rows).drop(columns=["classes", "leakage"])
        print(tabulate(table, headers="keys", tablefmt="simple", showindex=False, disable_numparse=True))
    print(f"residual copies in the retrained ensemble: {metrics['retrained']['residual_copies']:,}")
    print(cost_line(metrics["cost"]))


def cost_line(cost: dict) -> str:
    full, again = (cost[key]["samples"] for key in ("baseline_retrained", "retraining"))
    speed_up = f" (speed-up {cost['speed_up']:.1f})" if "speed_up" in cost else ""
    scopes = ", ".join(f"at scope {name} {scope['samples']:,}" for name, scope in cost["scope"].items())
    return f"samples processed: full retraining {full:,}, unlearning {again:,}{speed_up}; {scopes}"


if __name__ == "__main__":
    main()
