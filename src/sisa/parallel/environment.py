"""All that bits depend on besides code and data: a worker must equal the machine that asks it."""

import platform
from importlib.metadata import PackageNotFoundError, version

from sisa.base.params import EXACT

PROCESSOR = "processor"
INSTRUCTIONS = ("avx512_bf16", "amx_bf16")  # with and without them, bfloat16 is computed differently


def environment(packages: list[str], precision: str) -> dict[str, str]:
    """Exact precision gives the same bits on every processor."""
    python = {"Python": platform.python_version()} | dict(map(installed, packages))
    return python if precision == EXACT else python | processor()


def processor() -> dict[str, str]:
    """Processors of two makers differ even with equal instructions."""
    import torch

    has = torch.cpu.get_capabilities()
    found = {PROCESSOR: has.get("cpu_name", platform.processor()), "CPU": torch.backends.cpu.get_cpu_capability()}
    return found | {name: str(has.get(name, False)) for name in INSTRUCTIONS}


def installed(package: str) -> tuple[str, str]:
    try:
        return package, version(package)
    except PackageNotFoundError:
        return package, "none"


def pinned(requirements: str) -> list[str]:
    """The names of the packages in the text of a requirements.txt."""
    return [line.split("==")[0].split("[")[0] for line in requirements.splitlines() if "==" in line]


def differences(expected: dict[str, str]) -> str:
    """How this worker differs from what is expected, in words; empty where it does not."""
    here = {"Python": platform.python_version()} | (processor() if PROCESSOR in expected else {})
    here |= dict(installed(name) for name in expected if name not in here)
    return ", ".join(f"{name} is {here[name]}, not {value}" for name, value in expected.items() if here[name] != value)
