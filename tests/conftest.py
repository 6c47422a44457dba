import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch; for the kernels too: pytest has a worker on each core already

import pytest

from grader import build


@pytest.fixture(scope="session")
def solutions():
    """What the solution cells of each source notebook define: names by the notebook's module in convlab.checks."""
    return {path.name.removesuffix(".nb.py"): build.solutions(path) for path in build.sources()}
