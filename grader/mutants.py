"""Every misconception handed in as a student's work: does it lose points, and is it told its own sentence?"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from convlab import checks
from convlab.checks.exercise import Exercise, Misconception, Verdict


def exercises() -> Iterator[tuple[str, Exercise]]:
    """Every exercise of the course, each with the name of the module that describes it."""
    for module in pkgutil.iter_modules(checks.__path__):
        described = vars(importlib.import_module(f"convlab.checks.{module.name}"))
        for value in list(described.values()):  # a warning adds a name to the module in which it arises
            if isinstance(value, Exercise):
                yield module.name, value


def hand_in(exercise: Exercise, work, seed: int = 0) -> Verdict:
    """The verdict on `work`, which may be one of the description's own variants and use what is forbidden."""
    cases = exercise.draw(seed)
    return exercise.judge(cases, [exercise.run(work, case, watched=False) for case in cases])


def named(misconception: Misconception, verdict: Verdict) -> bool:
    """Whether the verdict tells the student this misconception's own sentence."""
    return verdict.misconception == misconception.name and misconception.sentence in " ".join(verdict.text.split())


def main() -> None:
    table = Table("notebook", "exercise")
    for heading in ("misconceptions", "killed", "told their own sentence"):
        table.add_column(heading, justify="right")
    total = [0, 0, 0]
    for module, exercise in exercises():
        verdicts = [(one, hand_in(exercise, one.variant)) for one in exercise.misconceptions]
        row = [
            len(verdicts),
            sum(verdict.points < exercise.points for _, verdict in verdicts),
            sum(named(one, verdict) for one, verdict in verdicts),
        ]
        table.add_row(module, exercise.name, *map(str, row))
        total = [sum(pair) for pair in zip(total, row, strict=True)]
    Console(width=None if sys.stdout.isatty() else 100).print(table)
    print(f"mutants: {total[1]} of {total[0]} killed, {total[2]} of {total[0]} named")
    sys.exit(total != [total[0]] * 3)


if __name__ == "__main__":
    main()
