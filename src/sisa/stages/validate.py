"""validate: params.yaml, every key of it, before the first stage that has something to lose.

DVC deletes a stage's outputs before it runs, and skips one whose own parameters have not changed: without this, a wrong
value would be noticed late, and an unknown key not at all. The output is always the same, so that nothing follows.
"""

from sisa.common import paths
from sisa.common.files import beside
from sisa.common.params import load


def main() -> None:
    load()
    with beside(paths.VALIDATED) as part:
        part.write_text("params.yaml is an experiment\n")


if __name__ == "__main__":
    main()
