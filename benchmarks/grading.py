"""Submissions a minute: `make grade`, sandboxed and judged outside, next to nbgrader as it comes.

Both grade the same copies of the right hand-in of notebook 01, in turns, with all that a user waits for: starting
the command, recording the assignments, and for `make grade` the feedback and the table too. Writes
results/grading.json: `stock_per_minute`, `ours_per_minute` and `ratio` for 24 submissions, and for 96; how long it
takes until a kernel in a sandbox has imported torch, forked and started afresh; and what a check costs.

    python benchmarks/grading.py [SUBMISSIONS ...]
"""

import asyncio
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from record import write

from grader import build, report, samples
from grader.build import ROOT, config
from grader.sandbox import KernelManager, Sandbox

SIZES = (24, 96)
TURNS = 3

STOCK = """
c = get_config()
c.CourseDirectory.course_id = "conv2d"
c.CourseDirectory.root = {root!r}
c.CourseDirectory.source_directory, c.CourseDirectory.release_directory = "solutions", "course"
c.CourseDirectory.db_url = "sqlite:///{root}/stock.db"
c.CourseDirectory.submitted_directory = "grader/submitted"
c.CourseDirectory.autograded_directory = "stock"
c.Execute.timeout = 120
"""
"""nbgrader's configuration as it comes, but for where things are, and for time enough to import torch."""


def course_folder(root: Path, size: int) -> None:
    """Copy to `root` what grading needs, with `size` hand-ins."""
    shutil.copytree(ROOT / "solutions", root / "solutions")
    (root / "grader").mkdir()
    for path in (ROOT / "grader").glob("*.py"):
        shutil.copy(path, root / "grader")
    for number in range(size):
        folder = root / "grader" / "submitted" / f"student{number:03}" / samples.ASSIGNMENT
        folder.mkdir(parents=True)
        shutil.copy(samples.SUBMITTED / "sample_perfect" / samples.ASSIGNMENT / f"{samples.NAME}.ipynb", folder)
    (root / "nbgrader_config.py").write_text(STOCK.format(root=str(root)))
    build.record(f"sqlite:///{root}/stock.db")


def minutes(command: list[str], root: Path, settings: Path) -> float:
    """Wall time of `command`, which has to succeed."""
    environment = os.environ | {"JUPYTER_CONFIG_PATH": str(settings)}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return (time.perf_counter() - start) / 60


def check(root: Path, size: int) -> None:
    """Every hand-in has full marks, in both gradebooks."""
    for database in ("stock.db", "grader/gradebook.db"):
        settings = config(root=str(root), db_url=f"sqlite:///{root}/{database}")
        scores = [result.score for result in report.results(CourseDirectory(config=settings))]
        if scores != [23.0] * size:
            sys.exit(f"{database} has other marks than expected: {scores}")


def measured(size: int) -> dict:
    """The two in turns, on `size` hand-ins."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        course_folder(root, size)
        stock = [sys.executable, "-m", "nbgrader", "autograde", samples.ASSIGNMENT, "--force"]
        ours = [sys.executable, "-m", "grader", "--again"]  # as `make grade` does
        rates = {"stock": [], "ours": []}
        for turn in range(1, TURNS + 1):
            rates["stock"].append(size / minutes(stock, root, root))
            rates["ours"].append(size / minutes(ours, root, root / "grader"))
            last = " and ".join(f"{found[-1]:.1f}" for found in rates.values())
            print(f"{size} submissions, {turn} of {TURNS}: {last} a minute")
        check(root, size)
        ledgers = [json.loads(path.read_text()) for path in (root / "grader" / "ledger").rglob("*.json")]
    checks = [
        entry["milliseconds"] for kept in ledgers for run in kept["notebooks"].values() for entry in run["ledger"]
    ]
    ratios = [mine / theirs for theirs, mine in zip(*rates.values(), strict=True)]
    return {
        "submissions": size,
        "stock_per_minute": round(statistics.median(rates["stock"]), 1),
        "ours_per_minute": round(statistics.median(rates["ours"]), 1),
        "ratio": round(statistics.median(ratios), 1),
        "milliseconds_a_check": statistics.median(checks),
        "all": {name: [round(rate, 1) for rate in found] for name, found in rates.items()},
    }


async def ready(settings) -> float:
    """Milliseconds from asking for a kernel until it has imported torch."""
    start = time.perf_counter()
    manager = KernelManager(config=settings)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=60)
    await client.execute_interactive("import torch", allow_stdin=False)
    milliseconds = 1000 * (time.perf_counter() - start)
    client.stop_channels()
    await manager.shutdown_kernel(now=True)
    return milliseconds


def kernels_ready() -> dict[str, float]:
    """The median of five of `ready`, after one that is not counted, for both ways to start a kernel here."""
    found = {}
    for backend in ("forkserver", "bubblewrap"):
        settings = config()
        settings.Sandbox.backend = backend
        _, *times = [asyncio.run(ready(settings)) for _ in range(6)]
        found[backend] = round(statistics.median(times))
    return found


def main() -> None:
    load = os.getloadavg()[0]
    first, *others = [measured(size) for size in map(int, sys.argv[1:] or SIZES)]
    figures = {
        **first,
        "others": others,
        "milliseconds_until_ready": kernels_ready(),
        "sandbox": Sandbox().chosen(),
        "cores": len(os.sched_getaffinity(0)),
        "load_at_start": round(load, 2),
    }
    write("grading", figures, ("nbgrader", "nbclient", "ipykernel", "torch"))


if __name__ == "__main__":
    main()
