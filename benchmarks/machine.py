"""What ran a benchmark, when, and what it measured: the JSON beside each table; and how a benchmark is run."""

import json
import platform
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch

from sisa.base.errors import BadInput


def here() -> dict:
    """This machine and day."""
    capabilities = torch.cpu.get_capabilities()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": capabilities.get("cpu_name", platform.processor()),
        "cores": capabilities.get("num_physical_cores"),
        "bfloat16": bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")),
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "versions": {package: version(package) for package in ("torch", "torchvision", "numpy", "dvc")},
    }


def write(name: str, measured: dict) -> None:
    """Write benchmarks/NAME.json."""
    Path("benchmarks", f"{name}.json").write_text(json.dumps({**here(), **measured}, indent=1) + "\n")


def run(main: Callable[[], None]) -> None:
    """Run a benchmark; where its images are missing, say so in one line."""
    try:
        main()
    except BadInput as error:
        sys.exit(f"error: {error}")
