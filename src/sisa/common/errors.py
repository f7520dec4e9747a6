"""The one error that people see: a clear line instead of a traceback."""


class BadInput(Exception):
    """What is wrong, where, and what to do, in one line. Ends a stage or command with exit code 1."""
