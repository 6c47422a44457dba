"""The marks in the gradebook, with what the checks said about each exercise that lost some: a table."""

from __future__ import annotations

import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader import utils
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.build import config

SAID = re.compile(r"^(?:  → |This looks like: )(.+?)\.?$", re.MULTILINE)
"""What a verdict says is wrong; a misconception, where it knows one, comes last."""

UNWRITTEN = "nothing written yet"


@dataclass(frozen=True)
class Result:
    """How a submission ended.

    `failed` says for each exercise that lost points what was found; `reason` why the whole submission
    could not be graded, None where it could.
    """

    student: str
    assignment: str
    score: float
    max_score: float
    failed: dict[str, str]
    reason: str | None = None

    @property
    def marks(self) -> str:
        return f"{self.score:g} / {self.max_score:g}"


def read(coursedir: CourseDirectory, assignment: str, student: str) -> Result:
    """The result of a submission, from the gradebook and the autograded notebooks."""
    folder = Path(coursedir.format_path(coursedir.autograded_directory, student, assignment))
    failed, reason = {}, None
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        submission = gradebook.find_submission(assignment, student)
        for notebook in submission.notebooks:
            path = folder / f"{notebook.name}.ipynb"
            if not path.is_file():
                reason = "not graded yet: run `make grade`"
                continue
            nb = nbformat.read(path, as_version=4)
            reason = nb.metadata.get("grader", {}).get("reason") or reason
            failed |= _failed(nb, {grade.name: grade for grade in notebook.grades})
        return Result(student, assignment, submission.score, submission.max_score, failed, reason)


def _failed(nb, grades) -> dict[str, str]:
    """What was found about each exercise of `nb` that lost points: an exercise ends with its graded cell."""
    failed, own = {}, []
    for cell in nb.cells:
        if utils.is_grade(cell) or utils.is_solution(cell):
            own.append(cell)
        if utils.is_grade(cell):
            grade = grades[cell.metadata.nbgrader.grade_id]
            if grade.needs_manual_grade:
                failed[grade.name] = "awaits your mark"
            elif grade.score < grade.max_score:
                failed[grade.name.removeprefix("check_")] = _finding(own)
            own = []
    return failed


def _finding(cells) -> str:
    solutions = [cell for cell in cells if utils.is_solution(cell)]
    if any(utils.compute_checksum(cell) == cell.metadata.nbgrader.get("checksum") for cell in solutions):
        return UNWRITTEN
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    errors = {output.ename: output.evalue for output in outputs if output.output_type == "error"}
    if "CellTimeoutError" in errors:
        return "it ran out of time: a loop without an end?"
    if errors:
        name, message = next(iter(errors.items()))
        return re.sub(r"\(\d+\.py, ", "(", f"{name}: {message}")
    said = SAID.findall("".join(output.get("text", "") for output in cells[-1].get("outputs", [])))
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
            shown.add_row(*map(plain, (*first, *line)))
            first = ("", "", "")
    return shown


def plain(text: str) -> Text:
    """`text`, which a student may have written, in one line that does nothing to the terminal."""
    return Text("".join(filter(str.isprintable, textwrap.shorten(text, 120, placeholder=" …"))))


def show(found: list[Result]) -> None:
    """Print the table; as wide as it needs to be where it does not go to a terminal."""
    Console(width=None if sys.stdout.isatty() else 240).print(table(found))


if __name__ == "__main__":
    show(results(CourseDirectory(config=config())))
