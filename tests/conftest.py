import os

os.environ["OMP_NUM_THREADS"] = "1"  # before torch; for the kernels too: pytest has a worker on each core already

import pytest
from xdist.scheduler import LoadScopeScheduling

from grader import build

GRADING = ("cluster", "grade", "runs", "solutions")
TOGETHER = ("tests/hostile/", *(f"tests/grader/test_{name}.py" for name in GRADING))
"""Files whose tests share a course folder that takes a minute to grade."""


class Scheduling(LoadScopeScheduling):
    """Gives all tests of such a file to one worker: pytest-xdist 3.8's own groups do nothing in pytest 9.2."""

    def _split_scope(self, nodeid):
        return nodeid.partition("::")[0] if nodeid.startswith(TOGETHER) else nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def solutions():
    """What the solution cells of each source notebook define: names by the notebook's module in convlab.checks."""
    return {path.name.removesuffix(".nb.py"): build.solutions(path) for path in build.sources()}
