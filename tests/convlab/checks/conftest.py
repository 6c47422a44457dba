"""What the tests of single notebooks' checks share."""

import pytest
import torch


def _is_plain(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, str, torch.Tensor)


@pytest.fixture(scope="session")
def is_plain():
    """Whether a value is plain data, and neither an exception nor a foreign object stands in it."""
    return _is_plain
