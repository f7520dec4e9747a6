"""Run a stage or command of the tree that this file stands in: `python src STAGE [SHARD]`, `python src COMMAND ...`.

`python src` puts this folder first on the import path, so a temporary copy of the repo (a clone,
`dvc exp run --temp`) never runs another copy's code.
"""

import argparse
import ast
import gc
import inspect
import os
import shlex
import signal
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from sisa.base.errors import BadInput, reason
from sisa.base.text import printable

FILES = {kind: sorted(Path(__file__).parent.glob(f"sisa/{kind}/[a-z]*.py")) for kind in ("stages", "commands")}
KIND_OF = {file.stem: kind for kind, files in FILES.items() for file in files}

WAY_ON = "Mend that and repeat, or drop all uncommitted changes of params.yaml and results to get them back:"
RESTORE = "git checkout -- params.yaml dvc.lock metrics plots && dvc checkout --force dvc.yaml"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, like every other error here."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see {self.prog} --help")


def contents() -> str:
    """What there is to run, and the first sentence of what each is for."""
    lines = []
    for kind, files in FILES.items():
        lines += ["", f"{kind}:"]
        for file in files:
            purpose = " ".join(ast.get_docstring(ast.parse(file.read_text())).split()).split(". ")[0]
            lines.append(f"  {file.stem:20}{purpose.rstrip('.')}")
    return "\n".join(lines)


def parsed(name: str, words: list[str]) -> Callable[[], None]:
    """The stage or command, ready to be called. Raises BadInput where the words are not what it takes."""
    module = import_module(f"sisa.{KIND_OF[name]}.{name}")
    parser = Parser(prog=f"python src {name}", description=module.__doc__)
    if KIND_OF[name] == "commands":
        getattr(module, "arguments", lambda parser: None)(parser)
        return partial(module.main, parser.parse_args(words))
    for each in inspect.signature(module.main).parameters:
        parser.add_argument(each, metavar="SHARD")
    return partial(module.main, *vars(parser.parse_args(words)).values())


def main() -> int:
    name, *words = sys.argv[1:] or ["--help"]
    try:
        if name in ("-h", "--help"):
            print(f"usage: python src NAME ...; each has a --help of its own\n{contents()}")
        elif name not in KIND_OF:
            raise BadInput(f"there is no such stage or command; choose one of {', '.join(sorted(KIND_OF))}")
        elif not Path("dvc.yaml").is_file():
            root = shlex.quote(str(Path(__file__).resolve().parents[1]))
            raise BadInput(f"this folder has no dvc.yaml; run in the repository's root: cd {root}")
        else:
            parsed(name, words)()
    except (BadInput, OSError) as error:
        print(f"error in {printable(name)}: {printable(reason(error))}", file=sys.stderr)
        if "DVC_STAGE" in os.environ:
            print(f"DVC removed this stage's outputs before it ran. {WAY_ON} {RESTORE}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped: {name}", file=sys.stderr)
        return 128 + signal.SIGINT
    except SystemExit as end:  # argparse has printed the help
        return int(end.code or 0)
    return 0


if __name__ == "__main__":
    gc.set_threshold(200_000, 30, 30)  # imports leave no garbage: with the default, looking for it costs 0.15 s a stage
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `python src summary | head` ends quietly
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # at once: taking torch apart again costs 0.4 s a stage
