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


def cores(text: str) -> int:
    """The number of cores that JOBS names, for argparse."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"JOBS is {text}; give the number of cores to use, from 1 on")
    return int(text)


def read(params: dict, file: Path = FILE) -> dict[str, Resources]:
    """By stage name without its `@shard`. Raises BadInput where the file is not such a table, or names a parameter that
    `params` lacks."""
    try:
        tables = OmegaConf.create({**params, "resources": OmegaConf.load(file)})
        values = OmegaConf.to_container(tables.resources, resolve=True)
        found = TypeAdapter(dict[str, Resources]).validate_python(values)
        return {"default": Resources(), **found}
    except (OSError, OmegaConfBaseException, ValidationError, ValueError) as error:
        raise BadInput(f"{file}: {' '.join(str(error).split())}") from error


def of(stage: str, table: dict[str, Resources]) -> Resources:
    return table.get(stage.split("@", maxsplit=1)[0], table["default"])
