"""The errors that people see: a clear line instead of a traceback."""

import shutil


class BadInput(Exception):
    """What is wrong, where, and what to do, in one line. Ends a stage or command with exit code 1."""


def reason(error: BadInput | OSError) -> str:
    """In one line; shutil.copytree reports each file of a folder that it could not copy."""
    return error.args[0][0][2] if isinstance(error, shutil.Error) else str(error)
