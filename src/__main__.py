"""Run a stage or command of the tree that this file stands in: `python src STAGE [SHARD]`.

`python src` puts this folder first on the import path, so a temporary copy of the repo (a clone,
`dvc exp run --temp`) never runs another copy's code.
"""

import gc
import os
import runpy
import signal
import sys
from pathlib import Path

from sisa.base.errors import BadInput, reason

STAGES = {path.stem for path in Path(__file__).parent.glob("sisa/stages/[a-z]*.py")}
COMMANDS = {path.stem for path in Path(__file__).parent.glob("sisa/commands/[a-z]*.py")}

WAY_ON = "Mend that and repeat, or drop all uncommitted changes of params.yaml and results to get them back:"
RESTORE = "git checkout -- params.yaml dvc.lock metrics plots && dvc checkout --force dvc.yaml"


def main() -> int:
    name, sys.argv[1:] = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if name not in STAGES | COMMANDS:
        print(f"usage: python src NAME; stages: {', '.join(sorted(STAGES))}; ", end="", file=sys.stderr)
        print(f"commands: {', '.join(sorted(COMMANDS))}", file=sys.stderr)
        return 1
    try:
        runpy.run_module(f"sisa.{'stages' if name in STAGES else 'commands'}.{name}", run_name="__main__")
    except (BadInput, OSError) as error:
        print(f"error in {name}: {reason(error)}", file=sys.stderr)
        if "DVC_STAGE" in os.environ:
            print(f"DVC removed this stage's outputs before it ran. {WAY_ON} {RESTORE}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"stopped: {name}", file=sys.stderr)
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    gc.set_threshold(200_000, 30, 30)  # imports leave no garbage: with the default, looking for it costs 0.15 s a stage
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `python src report | head` ends quietly
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # at once: taking torch apart again costs 0.4 s a stage
