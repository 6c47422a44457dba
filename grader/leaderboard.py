"""The class leaderboard of notebook 13: recipes that students measured and handed in, the fastest first.

The times are the students' own measurements; nothing is run here.
"""

from __future__ import annotations

import json
import math
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from rich.table import Table

from convlab.ladder import TARGET
from grader.build import config
from grader.report import one_line

ASSIGNMENT, FILE = "13_gpu_speed", "leaderboard.json"
LARGEST = 100_000
"""A recorded recipe is about 2,000 bytes."""


@dataclass(frozen=True)
class Entry:
    """What a student handed in; `problem` says why it has no place, None where it has one."""

    student: str
    name: str = ""
    seconds: float = math.inf
    seconds_with_warm_up: float = math.inf
    accuracies: tuple[float, ...] = ()
    device: str = ""
    problem: str | None = None

    @property
    def accuracy(self) -> float:
        return statistics.mean(self.accuracies)


def read(path: Path, student: str) -> Entry:
    """The entry in a hand-in's leaderboard.json, whatever is in it."""
    try:
        if path.is_symlink() or path.stat().st_size > LARGEST:
            raise ValueError("a link, or too large")
        found = json.loads(path.read_text(encoding="utf-8"))
        times = float(found["seconds"]), float(found["seconds_with_warm_up"])
        accuracies = tuple(map(float, found["accuracies"]))
        if not all(map(math.isfinite, times)) or min(times) <= 0:
            raise ValueError("seconds must be positive numbers")
        if not accuracies or not all(0 <= one <= 1 for one in accuracies):
            raise ValueError("accuracies must be numbers from 0 to 1, one for each seed")
        entry = Entry(student, str(found["name"]), *times, accuracies, str(found["device"]))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        reason = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else error
        return Entry(student, problem=f"{FILE} cannot be used: {reason}")
    if entry.accuracy < TARGET:
        return Entry(**vars(entry) | {"problem": f"{entry.accuracy:.3%} on average, below {TARGET:.0%}"})
    return entry


def entries(submitted: Path) -> list[Entry]:
    """All entries under grader/submitted/, those with a place first, the fastest at the top."""
    paths = submitted.glob(f"*/{ASSIGNMENT}/{FILE}")
    found = [read(path, path.parents[1].name) for path in paths]
    return sorted(found, key=lambda entry: (entry.problem is not None, entry.seconds, entry.student))


def table(found: list[Entry]) -> Table:
    """`found` for the class to read; each entry says on what it was measured."""
    shown = Table("place", "recipe", "student", "seconds", "with warm-up", "accuracy", "seeds", "measured on")
    for place, entry in enumerate(found, 1):
        if not entry.accuracies:
            shown.add_row("", one_line(entry.problem), one_line(entry.student))
            continue
        shown.add_row(
            str(place) if entry.problem is None else "",
            one_line(entry.name),
            one_line(entry.student),
            f"{entry.seconds:.4g}",
            f"{entry.seconds_with_warm_up:.3g}",
            one_line(entry.problem or f"{entry.accuracy:.3%}"),
            str(len(entry.accuracies)),
            one_line(entry.device),
        )
    return shown


def main() -> None:
    coursedir = CourseDirectory(config=config())
    submitted = Path(coursedir.root, coursedir.submitted_directory)
    if found := entries(submitted):
        Console(width=None if sys.stdout.isatty() else 160).print(table(found))
        print("Times are the students' own measurements; compare those of one device.")
    else:
        print(f"No recipes yet: students hand in {FILE} beside notebook 13, as its last section says.")


if __name__ == "__main__":
    main()
