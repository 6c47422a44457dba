"""Whether this machine has the sandbox that grading wants; where not, our own samples are graded without one."""

import subprocess

from grader.build import config


def _runs() -> bool:
    try:
        return subprocess.run(["bwrap", "--ro-bind", "/", "/", "--unshare-all", "true"]).returncode == 0
    except FileNotFoundError:
        return False


RUNS = _runs()
UNSAFE = "" if RUNS else " (no sandbox)"
"""What follows the marks of a hand-in."""


def settings(root):
    """Settings for the course folder `root`."""
    found = config(root=str(root), db_url=f"sqlite:///{root}/grader/gradebook.db")
    if not RUNS:
        found.Sandbox.backend = "none"
    return found
