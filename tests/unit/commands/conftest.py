"""Commands as the command line calls them."""

import argparse

import pytest


@pytest.fixture
def call():
    """A function that calls a command's module with words as they are typed."""

    def call(module, *words):
        parser = argparse.ArgumentParser()
        getattr(module, "arguments", lambda parser: None)(parser)
        module.main(parser.parse_args(words))

    return call
