"""Seconds per submission: `make grade` next to plain `nbgrader autograde`, on the samples that both can grade.

The two take turns on the same copy of the course folder. `make grade` also records the assignments, writes
the feedback and prints the table; both use grader/nbgrader_config.py. Writes results/grading_spine.json.
"""

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

from grader import report
from grader.build import ROOT, config

ASSIGNMENT = "01_sliding_window"
TURNS = 3
BROKEN = {"sample_crashed", "sample_not_a_notebook"}
COMMANDS = {
    "python -m grader.grade": [sys.executable, "-m", "grader.grade"],
    "nbgrader autograde --force": [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT, "--force"],
}


def course_folder(root: Path) -> list[Path]:
    """Copy to `root` what grading needs, and return the submissions."""
    shutil.copytree(ROOT / "solutions", root / "solutions")
    (root / "grader" / "submitted").mkdir(parents=True)
    for path in (ROOT / "grader").glob("*.py"):
        shutil.copy(path, root / "grader")
    for path in (ROOT / "grader" / "submitted").glob("sample_*"):
        if path.name not in BROKEN:
            shutil.copytree(path, root / "grader" / "submitted" / path.name)
    return sorted((root / "grader" / "submitted").iterdir())


def seconds(command: list[str], root: Path) -> float:
    """Wall time of `command`, which has to succeed."""
    environment = os.environ | {"JUPYTER_CONFIG_PATH": str(root / "grader")}
    start = time.perf_counter()
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return time.perf_counter() - start


def marks(root: Path) -> dict[str, str]:
    """What the gradebook says now."""
    settings = config(root=str(root), db_url=f"sqlite:///{root}/grader/gradebook.db")
    return {result.student: result.marks for result in report.results(CourseDirectory(config=settings))}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        submissions = course_folder(root)
        seconds([*COMMANDS["python -m grader.grade"], "--student", "sample_perfect"], root)  # fills caches
        load = os.getloadavg()[0]
        taken, given = {name: [] for name in COMMANDS}, []
        for turn in range(1, TURNS + 1):
            for name, command in COMMANDS.items():
                taken[name].append(round(seconds(command, root) / len(submissions), 2))
                given.append(marks(root))
                print(f"{turn} of {TURNS}  {name}: {taken[name][-1]} s a submission")
    if any(one != given[0] for one in given):
        sys.exit(f"The two disagree about the marks: {given}")
    figures = {
        "submissions": len(submissions),
        "seconds_per_submission": {
            name: {"median": statistics.median(times), "all": times} for name, times in taken.items()
        },
        "load_at_start": round(load, 2),
    }
    write("grading_spine", figures, ("nbgrader", "nbclient", "ipykernel", "torch"))


if __name__ == "__main__":
    main()
