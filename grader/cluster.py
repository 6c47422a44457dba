"""Grade on a Dask cluster: what was handed in goes to its workers as bytes, and the results come back as bytes.

So the machines need no common folder, and only the process that calls writes to the course folder. They need the
same version of this course and a sandbox that works: each worker makes sure of both, and of what CLUSTER.md says.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
import warnings
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from dataclasses import replace
from pathlib import Path

from distributed import Client, KilledWorker, Worker, get_worker
from distributed.security import Security
from traitlets.config import Config

import convlab
import grader
from grader import intake, submission
from grader.build import ROOT, SOLUTIONS
from grader.sandbox import Sandbox
from grader.submission import Graded, NotGraded, NoWorkers, Task

CONNECT, LOOK = 10, 30
"""Seconds to wait for the scheduler and its first worker, and between two looks at whether any worker is left."""

HOW = "How to start a cluster is in grader/CLUSTER.md. What has its marks keeps them."


class Cluster:
    """The workers of the Dask cluster whose scheduler is at `address`, `jobs` submissions at a time.

    Where `jobs` is 0, as many as there are workers; `backend` names their sandbox. Raises NoWorkers, here and in
    all that it does, where they cannot grade.
    """

    died = KilledWorker

    def __init__(self, address: str, settings: Config, jobs: int = 0):
        self._address, self._jobs = address, jobs
        try:
            if address.startswith("tls:") and Security().get_connection_args("client")["ssl_context"] is None:
                raise ValueError("Dask's settings distributed.comm.tls lack the ca-file or the client's cert")
            self._client = Client(address, timeout=CONNECT, set_as_default=False)
        except (OSError, ValueError) as error:
            raise NoWorkers(f"No Dask scheduler answers at {address}: {error}\n{HOW}") from None
        try:
            self._client.wait_for_workers(1, timeout=CONNECT)
            backends = self._client.run(check, version(), settings).values()
        except TimeoutError:
            self.close()
            raise NoWorkers(f"The Dask scheduler at {address} has no workers.\n{HOW}") from None
        except Exception as error:
            self.close()
            raise NoWorkers(str(error) if isinstance(error, NoWorkers) else f"{error!r}\n{HOW}") from None
        self.backend = ", ".join(sorted(set(backends)))
        self._pool = self._client.get_executor(pure=False)

    @property
    def number(self) -> int:
        return self._jobs or max(1, self._left())

    def _left(self) -> int:
        try:
            return len(self._client.nthreads())
        except OSError:
            raise self._ended() from None

    def _ended(self) -> NoWorkers:
        return NoWorkers(f"The Dask scheduler at {self._address} has ended.\n{HOW}")

    def submit(self, task: Task, reason: str | None = None) -> Future:
        files = {}
        if reason is None:
            try:
                files = dict(intake.handed_in(task.folder))
            except intake.Rejected as error:
                reason = " ".join(str(error).split())
        return self._pool.submit(grade, task, files, reason, version())

    def wait(self, running: Iterable[Future]) -> set[Future]:
        """Those that have ended, at least one."""
        while not (done := wait(running, LOOK, FIRST_COMPLETED).done):
            if not self._left():
                raise NoWorkers(f"The Dask scheduler at {self._address} has lost its last worker.\n{HOW}")
        return done

    def result(self, task: Task, future: Future) -> Graded:
        try:
            graded, files = future.result()
        except CancelledError:
            raise self._ended() from None
        if isinstance(graded, NotGraded):
            raise graded
        _write(files, task.scratch)
        return graded

    def close(self) -> None:
        self._client.close()


@functools.cache
def version() -> str:
    """A digest of the code of this course, as it was when this process needed it first."""
    digest = hashlib.sha256()
    for folder in (Path(grader.__file__).parent, Path(convlab.__file__).parent, SOLUTIONS):
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder.parent)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def check(expected: str, settings: Config, dask_worker: Worker) -> str:
    """The sandbox of this worker; NoWorkers where the worker must not grade."""
    try:
        if version() != expected:
            raise RuntimeError("it has another version of this course: install the same, and start it again")
        if dask_worker.state.nthreads > 1:
            raise RuntimeError("it has several threads: start it with --nthreads 1")
        return Sandbox(config=settings).chosen()
    except RuntimeError as error:
        raise NoWorkers(f"The worker {dask_worker.address} cannot grade: {error}\n{HOW}") from None


def grade(
    task: Task, files: dict[str, bytes], reason: str | None, expected: str
) -> tuple[Graded | NotGraded, dict[str, bytes]]:
    """`submission.grade` on a worker: `files` were handed in; what came of it is returned in the same form."""
    worker = get_worker()
    check(expected, task.settings, worker)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(dir=worker.local_directory) as folder:
        handed_in = Path(folder, "handed_in", task.student, task.assignment.name)
        scratch = Path(folder, "scratch")
        for empty in (handed_in, scratch):
            empty.mkdir(parents=True)
        _write(files, handed_in)
        task.settings.CourseDirectory.root = str(ROOT)
        template = submission.template(task.assignment)
        here = replace(task, folder=handed_in, template=template, scratch=scratch)
        try:
            graded = submission.grade(here, reason)
        except Exception as error:
            return NotGraded(str(error)), {}  # Dask waits forever for an exception that it cannot pickle
        made = [path for kind in ("feedback", "autograded") for path in (scratch / kind).rglob("*")]
        return graded, {path.relative_to(scratch).as_posix(): path.read_bytes() for path in made if path.is_file()}


def _write(files: dict[str, bytes], folder: Path) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
