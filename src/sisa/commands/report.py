"""Print the held-out accuracy of before, after and retrained, and of the baselines, from the metrics in place."""

from tabulate import tabulate

from sisa import paths, results
from sisa.files import read_json
from sisa.params import load


def main() -> None:
    params = load()
    metrics = {name: read_json(paths.METRICS / f"{name}.json", dict) for name in results.METRICS}
    rows = results.rows(metrics)
    print(f"held-out accuracy in percent, overall (and of the forgotten class: {params.forget.class_})")
    print(tabulate(results.pivot(rows), headers="keys", tablefmt="simple", showindex=False))


if __name__ == "__main__":
    main()
