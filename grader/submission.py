"""Grade one submission: nbgrader's own steps on a copy of it, in a folder and a gradebook made for that.

Nothing here touches the course folder or the gradebook, so that any number of these can run side by side, and
die; `grade` takes what they made.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import hmac
import json
import logging
import os
import re
import shutil
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.converters.autograde import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.converters.generate_feedback import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader import book
from grader.intake import Rejected, intake
from grader.sandbox import Sandbox

OURS = ("NoSandbox", "No space left on device", "disk is full", "database is locked", "Too many open files")
"""What the log says where it is not the submission's fault that it could not be graded."""

ERROR = re.compile(r"^ *(?:\w+\.)*(\w*(?:Error|Exception)\b.*)", re.MULTILINE)
"""The last line of a traceback."""


@dataclass(frozen=True)
class Task:
    """A submission to grade: what was handed in is in `folder`; `scratch` is an empty folder for the results.

    The inputs that it is tried with are drawn from the secret, the student and the `fingerprint` of what was
    handed in: nobody knows them before, a change to the hand-in changes them, and grading it again does not.
    """

    assignment: book.Assignment
    student: str
    folder: Path
    fingerprint: str
    secret: bytes
    template: str
    by_hand: book.ByHand
    scratch: Path
    settings: Config


@dataclass(frozen=True)
class Graded:
    """How it ended: the marks, why it could not be graded (None where it could), and the ledger.

    The ledger says what was handed in, how it was graded, and every verdict with its evidence.
    """

    marks: book.Marks
    reason: str | None
    ledger: dict
    seconds: float


class NotGraded(RuntimeError):
    """A submission could not be graded, through no fault of its own: neither marks nor zero can be recorded."""


class NoWorkers(RuntimeError):
    """Nothing more can be graded: those who were to do it cannot. The message says why, and what to do."""


def fingerprint(folder: Path, assignment: book.Assignment) -> str:
    """A digest of all that the marks depend on: what was handed in, what was released, and the checks."""
    digest = hashlib.sha256(json.dumps(assignment.released, sort_keys=True).encode())
    digest.update(_checks())
    for where, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted((*folders, *names)):
            path = Path(where, name)
            digest.update(f"\0{path.relative_to(folder)}\0{path.lstat().st_size}\0".encode(errors="replace"))
            if name in names and path.is_file() and not path.is_symlink():
                with open(path, "rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@functools.cache
def _checks() -> bytes:
    import convlab.checks

    folder = Path(convlab.checks.__file__).parent
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*.py")))


def grade(task: Task, reason: str | None = None) -> Graded:
    """Grade a submission, or give it no marks where there is a `reason`. Raises NotGraded."""
    start = time.perf_counter()
    settings = _settings(task)
    coursedir = CourseDirectory(config=settings)
    coursedir.assignment_id, coursedir.student_id = task.assignment.name, task.student
    database = _database(task)
    Path(f"{database}-journal").unlink(missing_ok=True)  # of a process that was killed, and had the same number
    shutil.copy(task.template, database)
    with closing(Gradebook(coursedir.db_url, task.assignment.course_id)) as gradebook:
        book.give(gradebook, task.assignment.name, task.student, task.by_hand)
    notes = ()
    if reason is None:
        try:
            notes = _take_in(task, coursedir)
            _run(Autograde, coursedir, settings)
        except Rejected as error:
            reason = " ".join(str(error).split())
        except NbGraderException as error:
            if any(words in str(error) for words in OURS):
                raise NotGraded(str(error)) from None
            reason = f"nbgrader could not grade it: {(ERROR.findall(str(error)) or ['see its log'])[-1]}"
    with closing(Gradebook(coursedir.db_url, task.assignment.course_id)) as gradebook:
        if reason:
            _fail(gradebook, task, coursedir, reason)
        marks = book.marks(gradebook, task.assignment.name, task.student)
    _run(GenerateFeedback, coursedir, settings)
    ledger = _ledger(task, coursedir, marks, notes, reason)
    return Graded(marks, reason, ledger, time.perf_counter() - start)


def _database(task: Task) -> Path:
    """The gradebook to grade in: the same file each time, because for another all SQL would be compiled anew."""
    return task.scratch.parent / f"{os.getpid()}{book.THROWN_AWAY}"


def _settings(task: Task) -> Config:
    """The settings, with all that is written in the scratch folder."""
    real = CourseDirectory(config=task.settings)
    settings = copy.deepcopy(task.settings)
    run = f"{task.student}/{task.assignment.name}/{task.fingerprint}"
    settings.Execute.secret = hmac.digest(task.secret, run.encode(), "sha256").hex()
    settings.CourseDirectory.update(
        root=str(task.scratch),
        db_url=f"sqlite:///{_database(task)}",
        source_directory=os.path.join(real.root, real.source_directory),
        submitted_directory="submitted",
        autograded_directory="autograded",
        feedback_directory="feedback",
    )
    settings.HTMLExporter.template_name = "feedback"  # Formgrader's server has set its own
    return settings


@functools.cache
def _templates() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="convlab-")


def template(assignment: book.Assignment) -> str:
    """A gradebook with this assignment and no student, made once: it takes longer than to copy it."""
    told = json.dumps((assignment.name, assignment.course_id, assignment.released, str(assignment.duedate)))
    path = os.path.join(_templates().name, f"{hashlib.sha256(told.encode()).hexdigest()}{book.THROWN_AWAY}")
    if not os.path.exists(path):
        book.create(f"sqlite:///{path}", assignment)
    return path


def _take_in(task: Task, coursedir: CourseDirectory) -> tuple[str, ...]:
    """Write what was handed in, as a normal notebook, to where nbgrader looks for it."""
    found = intake(task.folder, task.assignment.released)
    folder = Path(coursedir.format_path(coursedir.submitted_directory, task.student, task.assignment.name))
    for name, data in found.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)
    for name, nb in found.notebooks.items():
        nbformat.write(nb, folder / f"{name}.ipynb")
    return found.notes


def _run(converter, coursedir: CourseDirectory, settings: Config) -> None:
    """Run a converter of nbgrader. Raises NbGraderException with its log."""
    app = converter(coursedir=coursedir, config=settings)
    app.force = True
    log, handler = [], logging.Handler(logging.WARNING)
    handler.emit = lambda entry: log.append(handler.format(entry))
    app.log = logging.Logger("nbgrader")
    app.log.addHandler(handler)
    try:
        app.start()
    except NbGraderException as error:
        raise NbGraderException("\n".join([*log, str(error)])) from None


def _fail(gradebook: Gradebook, task: Task, coursedir: CourseDirectory, reason: str) -> None:
    """Give no marks, and write a notebook that states the reason in place of the autograded one.

    A mark that a person gave stays, and is up for review, as after every new grading with nbgrader.
    """
    folder = Path(coursedir.format_path(coursedir.autograded_directory, task.student, task.assignment.name))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for notebook in gradebook.find_submission(task.assignment.name, task.student).notebooks:
        for mark in notebook.grades:
            mark.auto_score = 0
            mark.needs_manual_grade = mark.manual_score is not None
        text = (
            f"# Not graded\n\nThis hand-in could not be graded, and has no marks:\n\n    {reason}\n\n"
            "Mend it, press Validate in JupyterLab to see that it runs, and hand it in again."
        )
        cell = nbformat.v4.new_markdown_cell(text, id="reason")
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / f"{notebook.name}.ipynb")
    gradebook.db.commit()


def _ledger(task: Task, coursedir: CourseDirectory, marks: book.Marks, notes, reason) -> dict:
    folder = Path(coursedir.format_path(coursedir.autograded_directory, task.student, task.assignment.name))
    run = {}
    if reason is None:
        for path in sorted(folder.glob("*.ipynb")):
            run[path.stem] = json.loads(path.read_text(encoding="utf-8"))["metadata"]["grader"]
    return {
        "student": task.student,
        "assignment": task.assignment.name,
        "fingerprint": task.fingerprint,
        "graded": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "sandbox": Sandbox(config=task.settings).chosen(),
        "reason": reason,
        "notes": list(notes),
        "marks": {f"{notebook}/{cell}": values["auto_score"] for (notebook, cell), values in marks.grades.items()},
        "notebooks": run,
    }
