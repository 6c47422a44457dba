import pytest
import torch

from grader import build

torch.set_num_threads(1)  # the tensors are tiny, and threads only wait for each other


@pytest.fixture(scope="session")
def solutions():
    """What the solution cells of each source notebook define: names by the notebook's module in convlab.checks."""
    return {path.name.removesuffix(".nb.py"): build.solutions(path) for path in build.sources()}
