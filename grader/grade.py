"""Grade what was handed in: what lies in grader/submitted/<student>/<assignment>/.

Every submission ends as graded, or as failed: zero marks and a reason. Marks go to nbgrader's gradebook,
feedback to grader/feedback/<student>/<assignment>/, and what led to them to grader/ledger/. What was handed in is
left as it is. A run that was ended goes on where it stopped; what has its marks, and has not changed, keeps them.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import multiprocessing
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path

from filelock import FileLock
from nbgrader.api import MissingEntry
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader import book, report, sandbox, submission
from grader.build import config, record
from grader.progress import Json, Lines, Live
from grader.submission import Graded, NotGraded, NoWorkers, Task

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the checks' tensors are tiny: threads only wait for each other

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
        task = course.task(path, submission.fingerprint(path, known), scratch)
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
    with closing(_workers(settings, scheduler, jobs)) as workers, _alone(course) as scratch:
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


class Processes:
    """Worker processes on this machine, `number` of them; `backend` is their sandbox. Raises NoSandbox."""

    died = BrokenProcessPool
    _pool: ProcessPoolExecutor | None = None

    def __init__(self, settings: Config, jobs: int):
        self.number = jobs or len(os.sched_getaffinity(0))
        self.backend = sandbox.Sandbox(config=settings).chosen()

    def submit(self, task: Task, reason: str | None = None) -> Future:
        if self._pool is None:
            sandbox.seen()  # once, for all workers
            self._pool = _pool(self.number)
        try:
            return self._pool.submit(submission.grade, task, reason)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = None
            return self.submit(task, reason)

    def wait(self, running: Iterable[Future]) -> set[Future]:
        return wait(running, return_when=FIRST_COMPLETED).done

    def result(self, task: Task, future: Future) -> Graded:
        return future.result()

    def close(self) -> None:
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)


def _graded(tasks: Iterator[Task], workers, progress) -> Iterator[tuple[Task, Graded | Exception]]:
    """Each task with how it ended, in the order in which they end.

    A worker that dies may take others along; they are tried again one by one, so that the one which kills its
    worker every time is known.
    """
    running, suspects = {}, []
    while True:
        while not suspects and len(running) < workers.number and (task := next(tasks, None)):
            progress.begin(task.student, task.assignment.name)
            running[_started(workers, task)] = task
        if running:
            for future in workers.wait(running):
                task = running.pop(future)
                ended = _ended(workers, task, future)
                if isinstance(ended, workers.died):
                    suspects.append(task)
                else:
                    yield task, ended
        elif suspects:
            task = suspects.pop()
            yield task, _carefully(workers, task)
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


def _pool(jobs: int) -> ProcessPoolExecutor:
    """Workers with all that is imported here; a process with threads, as a server has them, cannot be forked."""
    how = "fork" if threading.active_count() == 1 else "spawn"
    return ProcessPoolExecutor(jobs, multiprocessing.get_context(how), _worker, (os.getpid(),))


def _worker(parent: int) -> None:
    """A worker ends with the process that started it, and leaves Ctrl-C to that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grader.grade", description=__doc__.partition("\n")[0])
    parser.add_argument("--student", default="*", help="grade this one only")
    parser.add_argument("--assignment", default="*", help="grade this one only")
    parser.add_argument("--again", action="store_true", help="also what has its marks and has not changed")
    parser.add_argument(
        "--jobs",
        type=int,
        default=0,
        help="how many to grade at a time (default: the cores, or a cluster's workers)",
    )
    parser.add_argument("--scheduler", default="", metavar="ADDRESS", help="of a Dask cluster: grader/CLUSTER.md")
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each, and no table")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--sandbox", choices=["bubblewrap", "docker", "podman"], help="use this and no other")
    where.add_argument(
        "--unsafe-no-sandbox",
        action="store_true",
        help="run students' code in this account: it can do all you can",
    )
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = config()
    if chosen.sandbox or chosen.unsafe_no_sandbox:
        settings.Sandbox.backend = chosen.sandbox or "none"
    progress = Json() if chosen.json else Live() if sys.stdout.isatty() else Lines()
    try:
        done = grade_all(
            settings, chosen.assignment, chosen.student, chosen.again, chosen.jobs, progress, chosen.scheduler
        )
    except (sandbox.NoSandbox, NoWorkers) as error:
        sys.exit(str(error))
    sys.exit(0 if done else 1)


if __name__ == "__main__":
    main()
