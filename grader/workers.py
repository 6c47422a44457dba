"""Worker processes on this machine, forked from one that has imported what grades: they start in no time.

That process stays as long as the one that uses it, so that Formgrader's next press of a button finds it ready; but
where the code of the course has changed since, a new one is started.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from pathlib import Path
from typing import TYPE_CHECKING

from traitlets.config import Config

import convlab
from grader.sandbox import Sandbox

if TYPE_CHECKING:
    from grader.submission import Graded, Task


def begin() -> None:
    """Start the process that workers are forked from, and do not wait for it: `preload` says what it does.

    Where there is one with other code, it has to end first, with the workers that it has.
    """
    folders = Path(__file__).parent, Path(convlab.__file__).parent
    files = (path for folder in folders for path in folder.rglob("*.py"))
    code = {path: path.stat().st_mtime_ns for path in files}
    if getattr(begin, "code", code) != code:
        forkserver._forkserver._stop()
    begin.code = code
    multiprocessing.set_forkserver_preload(["grader.preload"])
    forkserver.ensure_running()


class Processes:
    """`jobs` worker processes, one a core where it is 0; `backend` is their sandbox. Raises NoSandbox."""

    died = BrokenProcessPool

    def __init__(self, settings: Config, jobs: int):
        self.number = jobs or len(os.sched_getaffinity(0))
        self._pool = self._new_pool()
        self.backend = self._pool.submit(_backend, settings).result()

    def _new_pool(self) -> ProcessPoolExecutor:
        begin()
        return ProcessPoolExecutor(self.number, multiprocessing.get_context("forkserver"), _start)

    def submit(self, task: Task, reason: str | None = None) -> Future:
        try:
            return self._pool.submit(_grade, task, reason)
        except BrokenProcessPool:
            self._pool.shutdown()
            self._pool = self._new_pool()
            return self.submit(task, reason)

    def wait(self, running: Iterable[Future]) -> set[Future]:
        return wait(running, return_when=FIRST_COMPLETED).done

    def result(self, task: Task, future: Future) -> Graded:
        return future.result()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _start() -> None:
    """A worker ends with the process that it works for, and leaves Ctrl-C to that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(process) -> None:
    process.join()
    os.kill(os.getpid(), signal.SIGKILL)


def _backend(settings: Config) -> str:
    return Sandbox(config=settings).chosen()


def _grade(task: Task, reason: str | None) -> Graded:
    from grader import submission  # here, because who calls `begin` has not the time to wait for nbgrader

    return submission.grade(task, reason)
