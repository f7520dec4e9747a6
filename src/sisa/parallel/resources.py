"""What each stage takes of a machine: conf/resources.yaml."""

import argparse
from pathlib import Path

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError

from sisa.base.errors import BadInput

FILE = Path("conf/resources.yaml")


class Resources(BaseModel):
    """Cores and whole GPUs of one stage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    num_cpus: PositiveInt = 1
    num_gpus: NonNegativeInt = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--jobs` and `--ray`, of which one may be given."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=cores, metavar="CORES", help="of this machine that stages may take together")
    where.add_argument("--ray", metavar="ADDRESS", help="of a Ray cluster that this machine is part of, or auto")


def cores_here() -> int:
    """How many cores this process may use."""
    import joblib

    return joblib.cpu_count()


def cores(text: str) -> int:
    """The number of cores that JOBS names, for argparse."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"JOBS is {text}; give the number of cores to use, from 1 on")
    return int(text)


def read(params: dict, file: Path = FILE) -> dict[str, Resources]:
    """By stage name without its `@shard`. Raises BadInput for what is no such table or names a parameter not there."""
    try:
        tables = OmegaConf.create({**params, "resources": OmegaConf.load(file)})
        values = OmegaConf.to_container(tables.resources, resolve=True)
        found = TypeAdapter(dict[str, Resources]).validate_python(values)
        return {"default": Resources(), **found}
    except (OSError, OmegaConfBaseException, ValidationError, ValueError) as error:
        raise BadInput(f"{file}: {' '.join(str(error).split())}") from error


def of(name: str, table: dict[str, Resources]) -> Resources:
    """Of a stage, `STAGE@SHARD`, or of one of a run, `RUN:STAGE@SHARD`."""
    return table.get(name.rpartition(":")[2].partition("@")[0], table["default"])


def own_gpus(gpus: list[str]) -> dict[str, str]:
    """A stage that takes no GPU of its own sees what the serial run sees: the device is part of its bits."""
    return {"CUDA_VISIBLE_DEVICES": ",".join(gpus)} if gpus else {}
