"""A command in the process of the test: in its folder, with its environment, and all that it prints caught."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from unittest import mock

LOGGERS = ("dvc", "dvc_objects", "dvc_data")  # they write to what was sys.stdout when DVC was imported


@contextmanager
def inside(folder: Path, env: dict[str, str]) -> Iterator[list[str]]:
    """At the end, the list's one element is what went to standard output and error, also of child processes."""
    printed = []
    with (
        tempfile.TemporaryFile() as file,
        descriptors_to(file.fileno()),
        open(file.fileno(), "w", buffering=1, closefd=False) as text,
        streams_to(text),
        chdir(folder),
        mock.patch.dict(os.environ, env, clear=True),
        mock.patch.object(sys, "argv", ["src"]),
    ):
        yield printed
        text.flush()
        file.seek(0)
        printed.append(file.read().decode(errors="replace"))


@contextmanager
def descriptors_to(target: int) -> Iterator[None]:
    """1 and 2, which child processes inherit."""
    saved = {number: os.dup(number) for number in (1, 2)}
    for number in saved:
        os.dup2(target, number)
    try:
        yield
    finally:
        for number, before in saved.items():
            os.dup2(before, number)
            os.close(before)


@contextmanager
def streams_to(text) -> Iterator[None]:
    handlers = {handler for name in LOGGERS for handler in logging.getLogger(name).handlers}
    handlers = {handler: handler.stream for handler in handlers if isinstance(handler, logging.StreamHandler)}
    for handler in handlers:
        handler.stream = text
    try:
        with mock.patch.object(sys, "stdout", text), mock.patch.object(sys, "stderr", text):
            yield
    finally:
        for handler, stream in handlers.items():
            handler.stream = stream
