"""The marks in the gradebook, with what the checks said about each exercise that lost some: a table."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.build import config

SAID = re.compile(r"^(?:  → |This looks like: )(.+?)\.?$", re.MULTILINE)
"""What a verdict says is wrong; a misconception, where it knows one, comes last."""

UNWRITTEN, NOT_GRADED = "nothing written yet", "not graded yet: run `make grade`"
EMPTY = ("it is not written yet", "there is no answer yet")
"""How the fault of an answer begins that is not there."""


@dataclass(frozen=True)
class Result:
    """How a submission ended.

    `failed` says for each exercise that lost points what was found; `reason` why the whole submission
    could not be graded, None where it could; `unsafe` whether students' code ran without a sandbox.
    """

    student: str
    assignment: str
    score: float
    max_score: float
    failed: dict[str, str]
    reason: str | None = None
    unsafe: bool = False

    @property
    def marks(self) -> str:
        return f"{self.score:g} / {self.max_score:g}{' (no sandbox)' if self.unsafe else ''}"


def ledger_file(coursedir: CourseDirectory, assignment: str, student: str) -> Path:
    """Where the ledger of a submission is: what led to its marks."""
    beside = Path(coursedir.format_path(coursedir.submitted_directory, ".", ".")).parent
    return beside / "ledger" / student / f"{assignment}.json"


def ledger(coursedir: CourseDirectory, assignment: str, student: str) -> dict | None:
    """The ledger of a submission; None where it has not been graded to the end."""
    try:
        return json.loads(ledger_file(coursedir, assignment, student).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def read(coursedir: CourseDirectory, assignment: str, student: str) -> Result:
    """The result of a submission, from the gradebook and the ledger."""
    kept = ledger(coursedir, assignment, student)
    failed, reason = {}, NOT_GRADED if kept is None else kept["reason"]
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        for notebook in submission.notebooks:
            run = (kept or {}).get("notebooks", {}).get(notebook.name)
            if run:
                failed |= _failed(run, notebook)
        unsafe = kept is not None and kept["sandbox"] == "none"
        return Result(student, assignment, submission.score, submission.max_score, failed, reason, unsafe)


def _failed(run: dict, notebook) -> dict[str, str]:
    """What was found about each exercise that lost points or waits for a person, in the order of the notebook."""
    verdicts = {entry["cell"]: entry for entry in run["ledger"]}
    order = [cell.name for cell in notebook.notebook.source_cells]
    failed = {}
    for grade in sorted(notebook.grades, key=lambda grade: order.index(grade.name)):
        entry = verdicts.get(grade.name)
        if entry and entry["flagged"]:
            evidence = f"for you to look at: {'; '.join(entry['flagged'])}"
            failed[entry["exercise"]] = "; ".join(filter(None, (_finding(entry), evidence)))
        elif grade.needs_manual_grade:
            failed[grade.name] = "awaits your mark"
        elif grade.score < grade.max_score:
            failed[entry["exercise"] if entry else grade.name] = _finding(entry) if entry else ""
    return failed


def _finding(entry: dict) -> str:
    faults = [failure["fault"] for failure in entry["failures"]]
    if faults and all(fault.startswith(EMPTY) for fault in faults):
        return UNWRITTEN
    if entry["error"]:
        if entry["error"].startswith("CellTimeoutError"):
            return "it ran out of time: a loop without an end?"
        return re.sub(r"\(\d+\.py, ", "(", entry["error"])
    said = SAID.findall(entry["text"])
    return said[-1] if said else ""


def results(coursedir: CourseDirectory) -> list[Result]:
    """The results of all submissions in the gradebook."""
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        known = sorted(
            (submission.assignment.name, submission.student.id)
            for assignment in gradebook.assignments
            for submission in assignment.submissions
        )
    return [read(coursedir, *names) for names in known]


def table(found: list[Result]) -> Table:
    """`found` for an instructor to read, one line for each exercise that lost points."""
    shown = Table("student", "assignment", "score", "lost points in", "what was found")
    for result in found:
        lines = list(result.failed.items())
        if result.reason:
            lines = [("everything", result.reason)]
        elif not result.score and set(result.failed.values()) == {UNWRITTEN}:
            lines = [("everything", UNWRITTEN)]
        first = (result.student, result.assignment, result.marks)
        for line in lines or [("", "")]:
            shown.add_row(*map(one_line, (*first, *line)))
            first = ("", "", "")
    return shown


def plain_text(text: str) -> str:
    """`text`, which a student may have written, without what does something to a terminal."""
    return "".join(character for character in text if character.isprintable() or character == "\n")


def one_line(text: str) -> Text:
    """`text` in one line, and not a long one."""
    return Text(plain_text(textwrap.shorten(text, 150, placeholder=" …")).replace("\n", " "))


def show(found: list[Result]) -> None:
    """Print the table; as wide as it needs to be where it does not go to a terminal."""
    Console(width=None if sys.stdout.isatty() else 240).print(table(found))


if __name__ == "__main__":
    show(results(CourseDirectory(config=config())))
