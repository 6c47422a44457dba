"""The unit tests of the explorers' JavaScript, with Node's own test runner."""

import pathlib

import pytest


@pytest.mark.parametrize(
    "file", sorted(pathlib.Path(__file__).parent.glob("*.test.mjs")), ids=lambda file: file.name
)
def test_javascript_unit_tests(node, file):
    node("--test", str(file))
