"""nbgrader's gradebook: what an assignment is made of, a copy of it to grade in, and the marks that come of it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import nbgrader.api
from nbformat import NotebookNode
from nbgrader.api import Base, Comment, Grade, Gradebook
from sqlalchemy import create_engine, event
from sqlalchemy.exc import OperationalError

from grader.intake import Released

THROWN_AWAY = ".tmp.db"
"""How the name of a gradebook ends that nobody needs after a crash."""

LOCKED = 60
"""Seconds to wait for a gradebook that another program has locked."""


@functools.lru_cache(2)
def _engine(db_url: str, **options):
    engine = create_engine(db_url, **options)
    if db_url.endswith(THROWN_AWAY):
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    return engine


nbgrader.api.create_engine = _engine
# nbgrader opens a gradebook a dozen times for a submission; each engine of its own would compile all SQL anew.


@dataclass(frozen=True)
class Assignment:
    """An assignment as the gradebook has it."""

    name: str
    course_id: str
    duedate: datetime | None
    released: Released


@dataclass(frozen=True)
class ByHand:
    """What a person gave a cell, by (notebook, cell): nbgrader's columns for it."""

    grades: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    comments: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Marks:
    """What grading a submission found, by (notebook, cell), and the late penalty by notebook."""

    grades: dict[tuple[str, str], dict[str, Any]]
    comments: dict[tuple[str, str], dict[str, Any]]
    penalties: dict[str, float | None]
    timestamp: datetime | None


def assignment(gradebook: Gradebook, name: str) -> Assignment:
    """The assignment `name`; nbgrader's MissingEntry where there is none."""
    found = gradebook.find_assignment(name)
    released = {notebook.name: _cells(notebook) for notebook in found.notebooks}
    return Assignment(name, found.course_id, found.duedate, released)


def _cells(notebook) -> list[NotebookNode]:
    graded = {cell.name: cell.max_score for cell in (*notebook.grade_cells, *notebook.task_cells)}
    tasks, solutions = ({cell.name for cell in cells} for cells in (notebook.task_cells, notebook.solution_cells))
    cells = []
    for source in notebook.source_cells:
        marked = NotebookNode(
            grade_id=source.name,
            schema_version=3,
            grade=source.name in graded and source.name not in tasks,
            solution=source.name in solutions,
            locked=source.locked,
            task=source.name in tasks,
            cell_type=source.cell_type,
            checksum=source.checksum,
        )
        if source.name in graded:
            marked.points = graded[source.name]
        cell = NotebookNode(
            cell_type=source.cell_type, metadata=NotebookNode(nbgrader=marked), source=source.source
        )
        if source.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
        cells.append(cell)
    return cells


def create(db_url: str, known: Assignment) -> None:
    """Make a gradebook with this assignment and no student, to be graded in and thrown away."""
    engine = create_engine(db_url)
    Base.metadata.create_all(engine)  # an empty one would have nbgrader run alembic, to note its version
    engine.dispose()
    with Gradebook(db_url, known.course_id) as gradebook:
        gradebook.add_assignment(known.name, duedate=known.duedate)
        for name, cells in known.released.items():
            gradebook.add_notebook(name, known.name)
            for cell in cells:
                marked, where = cell.metadata.nbgrader, (name, known.name)
                if marked.grade:
                    gradebook.add_grade_cell(
                        marked.grade_id, *where, max_score=marked.points, cell_type=cell.cell_type
                    )
                if marked.task:
                    gradebook.add_task_cell(
                        marked.grade_id, *where, max_score=marked.points, cell_type=cell.cell_type
                    )
                if marked.solution:
                    gradebook.add_solution_cell(marked.grade_id, *where)
                gradebook.add_source_cell(
                    marked.grade_id,
                    *where,
                    cell_type=cell.cell_type,
                    source=cell.source,
                    checksum=marked.checksum,
                    locked=marked.locked,
                )


def by_hand(gradebook: Gradebook, assignment: str, student: str) -> ByHand:
    """What a person has given this submission so far."""
    found = ByHand()
    for submission in gradebook.assignment_submissions(assignment):
        if submission.student_id == student:
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    if grade.manual_score is not None or grade.extra_credit is not None:
                        given = {"manual_score": grade.manual_score, "extra_credit": grade.extra_credit}
                        found.grades[notebook.name, grade.name] = given
                for comment in notebook.comments:
                    if comment.manual_comment is not None:
                        found.comments[notebook.name, comment.name] = {"manual_comment": comment.manual_comment}
    return found


def give(gradebook: Gradebook, assignment: str, student: str, given: ByHand) -> None:
    """Enter a submission with what a person gave it."""
    gradebook.update_or_create_student(student)
    submission = gradebook.update_or_create_submission(assignment, student)
    _set(submission, given.grades, given.comments)
    gradebook.db.commit()


def marks(gradebook: Gradebook, assignment: str, student: str) -> Marks:
    """What nbgrader's steps have entered for a submission."""
    submission = gradebook.find_submission(assignment, student)
    return Marks(
        {
            (notebook.name, grade.name): {
                "auto_score": grade.auto_score,
                "needs_manual_grade": grade.needs_manual_grade,
            }
            for notebook in submission.notebooks
            for grade in notebook.grades
        },
        {
            (notebook.name, comment.name): {"auto_comment": comment.auto_comment}
            for notebook in submission.notebooks
            for comment in notebook.comments
        },
        {notebook.name: notebook.late_submission_penalty for notebook in submission.notebooks},
        submission.timestamp,
    )


def record(gradebook: Gradebook, assignment: str, student: str, found: Marks) -> None:
    """Enter the marks of a submission, all or none of them; what a person gave stays."""
    gradebook.update_or_create_student(student)
    given = {"timestamp": found.timestamp} if found.timestamp else {}
    submission = gradebook.update_or_create_submission(assignment, student, **given)
    _set(submission, found.grades, found.comments)
    for notebook in submission.notebooks:
        notebook.late_submission_penalty = found.penalties.get(notebook.name)
        for grade in notebook.grades:
            if grade.manual_score is not None:
                grade.needs_manual_grade = True
    gradebook.db.commit()


def doubt(gradebook: Gradebook, assignment: str, student: str) -> None:
    """Have a person look at the marks of a submission, if it has any: they are not of what is there now."""
    for submission in gradebook.assignment_submissions(assignment):
        if submission.student_id == student:
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    grade.needs_manual_grade = True
    gradebook.db.commit()


def _set(submission, grades, comments) -> None:
    for notebook in submission.notebooks:
        for kind, entries, made, cells in (
            (Grade, grades, notebook.grades, (*notebook.notebook.grade_cells, *notebook.notebook.task_cells)),
            (Comment, comments, notebook.comments, notebook.notebook.solution_cells),
        ):
            rows = {row.name: row for row in made}
            ids = {cell.name: cell.id for cell in cells}
            for (name, cell), values in entries.items():
                if name == notebook.name and cell in ids:
                    row = rows.get(cell) or kind(cell_id=ids[cell], notebook=notebook)
                    for column, value in values.items():
                        setattr(row, column, value)


def patiently(db_url: str, course_id: str, change: Callable[[Gradebook], Any]):
    """`change(gradebook)`, again and again for a while where another program has the gradebook locked."""
    deadline = time.monotonic() + LOCKED
    while True:
        try:
            with closing(Gradebook(db_url, course_id)) as gradebook:
                return change(gradebook)
        except OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
