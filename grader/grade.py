"""Grade what was handed in: what lies in grader/submitted/<student>/<assignment>/.

Every submission ends as graded, or as failed: zero marks and a reason. Marks go to nbgrader's gradebook,
feedback to grader/feedback/<student>/<assignment>/, and what led to them to grader/ledger/. What was handed in is
left as it is. A run that was ended goes on where it stopped; what has its marks, and has not changed, keeps them.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

from filelock import FileLock
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader import book, report, submission
from grader.build import record
from grader.progress import Lines
from grader.submission import Graded, NotGraded, NoWorkers, Task
from grader.workers import Processes

CRASHED = "the grader's own process ended, twice, while it graded this"


class Course:
    """A course folder with its gradebook: what there is to grade, and where the results go."""

    def __init__(self, settings: Config):
        self.settings = settings
        self.coursedir = CourseDirectory(config=settings)
        self.submitted = Path(self.coursedir.format_path(self.coursedir.submitted_directory, ".", "."))
        self.folder = self.submitted.parent
        self._assignments: dict[str, book.Assignment] = {}

    def submissions(self, assignment: str, student: str) -> list[Path]:
        """The folders that match, in the order of their names."""
        return sorted(
            path for path in self.submitted.glob(f"{student}/{assignment}") if path.is_symlink() or path.is_dir()
        )

    def assignment(self, name: str) -> book.Assignment:
        """The assignment `name`; ValueError where there is none."""
        if name not in self._assignments:
            try:
                self._assignments[name] = self._change(lambda gradebook: book.assignment(gradebook, name))
            except MissingEntry:
                known = ", ".join(self._change(lambda gradebook: [one.name for one in gradebook.assignments]))
                raise ValueError(f"there is no assignment {name}; it can be {known}") from None
        return self._assignments[name]

    def is_graded(self, path: Path, fingerprint: str) -> bool:
        """Whether a submission has its marks, and they are in the gradebook."""
        ledger = report.ledger(self.coursedir, path.name, path.parent.name)
        if ledger is None or ledger["fingerprint"] != fingerprint:
            return False
        try:
            found = self._change(lambda gradebook: book.marks(gradebook, path.name, path.parent.name))
        except MissingEntry:
            return False
        marks = {f"{notebook}/{cell}": given["auto_score"] for (notebook, cell), given in found.grades.items()}
        return marks == ledger["marks"]

    def task(self, path: Path, fingerprint: str, scratch: Path) -> Task:
        """What a worker needs to grade a submission. From here on, marks it may have had are in doubt."""
        assignment, student = self.assignment(path.name), path.parent.name
        report.ledger_file(self.coursedir, path.name, student).unlink(missing_ok=True)
        self._change(lambda gradebook: book.doubt(gradebook, path.name, student))
        given = self._change(lambda gradebook: book.by_hand(gradebook, path.name, student))
        copied = submission.template(assignment)
        return Task(assignment, student, path, fingerprint, self._secret(), copied, given, scratch, self.settings)

    def _secret(self) -> bytes:
        """What this course draws inputs from: made once, and readable by its owner alone."""
        path = self.folder / "secret"
        if not path.exists():
            descriptor, new = tempfile.mkstemp(dir=self.folder)
            with open(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            os.rename(new, path)
        return path.read_bytes()

    def keep(self, task: Task, graded: Graded) -> None:
        """Put the results where they belong. The ledger comes last: with it, the submission is done."""
        names = task.assignment.name, task.student
        self._change(lambda gradebook: book.record(gradebook, *names, graded.marks))
        for made, kept in (
            ("feedback", self.coursedir.feedback_directory),
            ("autograded", self.coursedir.autograded_directory),
        ):
            folder = Path(self.coursedir.format_path(kept, task.student, task.assignment.name))
            _remove(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            (task.scratch / made / task.student / task.assignment.name).rename(folder)
        path = report.ledger_file(self.coursedir, *names)
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(graded.ledger, indent=1), encoding="utf-8")
        new.rename(path)

    def _change(self, change):
        return book.patiently(self.coursedir.db_url, self.coursedir.course_id, change)


def _remove(folder: Path) -> None:
    if folder.exists():
        for where, _, _ in os.walk(folder):
            os.chmod(where, 0o700)
        shutil.rmtree(folder)


def grade(settings: Config, assignment: str, student: str) -> report.Result:
    """Grade one submission, in this process, whether it has marks or not. Raises NotGraded or ValueError."""
    course = Course(settings)
    with _alone(course) as scratch:
        path = course.submitted / student / assignment
        known = course.assignment(assignment)
        task = course.task(path, submission.fingerprint(path, known), Path(tempfile.mkdtemp(dir=scratch)))
        course.keep(task, submission.grade(task))
    return report.read(course.coursedir, assignment, student)


class _alone:
    """No two commands grade in a course folder at the same time; a new folder for what they make."""

    def __init__(self, course: Course):
        self._lock = FileLock(course.folder / ".grading.lock")
        self._scratch = course.folder / ".grading"

    def __enter__(self) -> Path:
        self._lock.acquire()
        _remove(self._scratch)  # of a run that was ended
        self._scratch.mkdir()
        return self._scratch

    def __exit__(self, *exception):
        _remove(self._scratch)
        self._lock.release()


def grade_all(
    settings: Config,
    assignment: str = "*",
    student: str = "*",
    again: bool = False,
    jobs: int = 0,
    progress=None,
    scheduler: str = "",
) -> bool:
    """Grade the submissions that match, print a table, and return whether every one has its marks.

    Those that have marks and have not changed keep them, unless `again`. `jobs` of them are graded at a time, the
    number of cores where it is 0. The Dask cluster with this `scheduler` grades them where one is given. Raises
    NoSandbox or NoWorkers.
    """
    progress = progress or Lines()
    course = Course(settings)
    with _alone(course) as scratch, closing(_workers(settings, scheduler, jobs)) as workers:
        record(course.coursedir.db_url)
        found = course.submissions(assignment, student)
        if not found:
            progress.say(f"Nothing to grade: put notebooks in {course.submitted}/<student>/<assignment>/.")
        left, complete = {}, True
        for path in found:
            try:
                fingerprint = submission.fingerprint(path, course.assignment(path.name))
            except (ValueError, OSError) as error:
                left[path] = error
                continue
            if again or not course.is_graded(path, fingerprint):
                left[path] = fingerprint
        progress.start(len(left), len(found) - len(left), workers.backend)
        try:
            unknown = {path: error for path, error in left.items() if isinstance(error, Exception)}
            todo = [(path, left[path]) for path in left if path not in unknown]
            for path, error in unknown.items():
                complete = False
                progress.not_recorded(path.parent.name, path.name, str(error))
            tasks = (
                course.task(path, fingerprint, Path(tempfile.mkdtemp(dir=scratch))) for path, fingerprint in todo
            )
            for task, ended in _graded(tasks, workers, progress):
                try:
                    if isinstance(ended, Exception):
                        raise ended
                    course.keep(task, ended)
                    _remove(task.scratch)
                    result = report.read(course.coursedir, task.assignment.name, task.student)
                    progress.graded(result, ended.seconds)
                except Exception as error:  # one submission must not stop the others
                    complete = False
                    progress.not_recorded(task.student, task.assignment.name, str(error))
        finally:
            progress.end()
    progress.table(report.results(course.coursedir))
    return complete


def _workers(settings: Config, scheduler: str, jobs: int):
    if scheduler:
        from grader.cluster import Cluster  # here, because Dask takes half a second to import

        return Cluster(scheduler, settings, jobs)
    return Processes(settings, jobs)


def _graded(tasks: Iterator[Task], workers, progress) -> Iterator[tuple[Task, Graded | Exception]]:
    """Each task with how it ended, in the order in which they end; the workers go on before one is given out.

    A worker that dies may take others along; they are tried again one by one, so that the one which kills its
    worker every time is known.
    """
    running, suspects, finished = {}, [], []
    while True:
        while not suspects and len(running) < workers.number and (task := next(tasks, None)):
            progress.begin(task.student, task.assignment.name)
            running[_started(workers, task)] = task
        yield from finished
        finished.clear()
        if running:
            for future in workers.wait(running):
                task = running.pop(future)
                ended = _ended(workers, task, future)
                if isinstance(ended, workers.died):
                    suspects.append(task)
                else:
                    finished.append((task, ended))
        elif suspects:
            task = suspects.pop()
            finished.append((task, _carefully(workers, task)))
        else:
            break


def _started(workers, task: Task, reason: str | None = None) -> Future:
    try:
        return workers.submit(task, reason)
    except OSError as error:  # what was handed in can no longer be read
        future = Future()
        future.set_exception(error)
        return future


def _ended(workers, task: Task, future: Future) -> Graded | Exception:
    try:
        return workers.result(task, future)
    except NoWorkers:
        raise
    except Exception as error:
        return error


def _carefully(workers, task: Task) -> Graded | Exception:
    """Grade while nothing else is graded; no marks where the worker dies as well."""
    for reason in (None, CRASHED):
        _remove(task.scratch)
        task.scratch.mkdir()
        future = _started(workers, task, reason)
        workers.wait([future])
        ended = _ended(workers, task, future)
        if not isinstance(ended, workers.died):
            return ended
    return NotGraded("the grader's own process ends every time")
