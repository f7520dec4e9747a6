"""A benchmark of SISA unlearning where classes leak between shards."""

__version__ = "0.1.0"
