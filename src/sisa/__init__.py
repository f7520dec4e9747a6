"""A benchmark of SISA unlearning where classes leak between shards.

`sisa.load` reads a run into a notebook: `run = sisa.load("path/to/clone")`.
"""

__version__ = "0.1.0"


def __getattr__(name: str):
    """`sisa.load`, imported when it is asked for: stages need none of what it imports (PEP 562)."""
    if name == "load":
        from sisa.exploration.run import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
