"""Grading on a Dask cluster: the marks of this machine's own processes, whatever becomes of the cluster's."""

import os
import shutil
import signal
import sys
from pathlib import Path
from types import SimpleNamespace

import dask
import pytest
from distributed import LocalCluster
from nbgrader.coursedir import CourseDirectory

from grader import build, cluster, grade, report, sandbox
from grader.__main__ import main
from grader.progress import Lines
from grader.submission import NoWorkers
from tests import sandboxes
from tests.grader.test_runs import HAND_INS, course, marks
from tests.hostile.zoo import ALL, ASSIGNMENT

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

KILLER = """
import os, signal
from grader import submission

def take_in(task, coursedir, taken_in=submission._take_in):
    if task.student == "killer":
        os.kill(os.getpid(), signal.SIGKILL)
    return taken_in(task, coursedir)

submission._take_in = take_in
"""


PATIENT = {"distributed.scheduler.allowed-failures": 1, "distributed.deploy.lost-worker-timeout": "5 minutes"}


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """Two worker processes, which end when they grade the student `killer`."""
    preload = tmp_path_factory.mktemp("preload") / "killer.py"
    preload.write_text(KILLER)
    with (
        dask.config.set(PATIENT),
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, preload=str(preload)) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def serial(tmp_path_factory):
    """Settings for a course folder that was graded here, one after another."""
    settings = course(tmp_path_factory.mktemp("serial"))
    build.record(settings.CourseDirectory.db_url)
    grader = Path(settings.CourseDirectory.root, "grader")
    shutil.copytree(grader, grader.with_name("before"))
    assert grade.grade_all(settings, jobs=1)
    shutil.copy(grader / "secret", grader.with_name("before"))
    return settings


@pytest.fixture
def settings(serial, tmp_path):
    """Settings for a course folder with the same hand-ins, of which none has been graded."""
    shutil.copytree(Path(serial.CourseDirectory.root, "before"), tmp_path / "grader")
    return sandboxes.settings(tmp_path)


def ledgers(settings) -> dict:
    """What led to the marks of each student, without what differs from run to run."""
    coursedir = CourseDirectory(config=settings)
    found = {name: report.ledger(coursedir, ASSIGNMENT, f"{name}0") for name in HAND_INS}
    for one in found.values():
        del one["graded"]
        for notebook in one["notebooks"].values():
            for entry in notebook["ledger"]:
                entry.pop("milliseconds", None)
    return found


def made(settings) -> set[str]:
    """The files in the folders of feedback and of graded notebooks."""
    root = Path(settings.CourseDirectory.root, "grader")
    return {
        str(path.relative_to(root)) for kind in ("feedback", "autograded") for path in (root / kind).rglob("*")
    }


def test_workers_that_are_killed_cost_no_result(workers, serial, settings, capsys):
    class Kill(Lines):
        killed = ()

        def graded(self, result, seconds):
            super().graded(result, seconds)
            if not self.killed:
                self.killed = [worker.pid for worker in workers.workers.values()]
                for pid in self.killed:
                    os.kill(pid, signal.SIGKILL)

    progress = Kill()
    assert grade.grade_all(settings, scheduler=workers.scheduler_address, progress=progress)
    assert len(progress.killed) == 2
    assert capsys.readouterr().out.count(f"{ASSIGNMENT} ... ") == len(HAND_INS)
    assert marks(settings) == marks(serial)
    assert ledgers(settings) == ledgers(serial)
    assert made(settings) == made(serial)


def test_a_hand_in_that_kills_its_worker_every_time_fails_alone(workers, serial, settings):
    submitted = Path(settings.CourseDirectory.root) / "grader" / "submitted"
    (submitted / "half0").rename(submitted / "killer")
    assert grade.grade_all(settings, student="[kr]*", scheduler=workers.scheduler_address)
    coursedir = CourseDirectory(config=settings)
    killer = report.read(coursedir, ASSIGNMENT, "killer")
    assert (killer.score, killer.reason) == (0, grade.CRASHED)
    assert report.read(coursedir, ASSIGNMENT, "right0").score == ALL


def test_a_scheduler_that_ends_takes_no_marks_along(serial, settings, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 5)
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as short_lived:

        class End(Lines):
            def graded(self, result, seconds):
                self.done = result.student
                short_lived.close()

        progress = End()
        with pytest.raises(NoWorkers, match="has ended"):
            grade.grade_all(settings, scheduler=short_lived.scheduler_address, progress=progress)
    mine = {key: value for key, value in marks(serial).items() if key[0] == progress.done}
    assert marks(settings) == mine


def test_without_a_scheduler_the_command_says_what_to_do(settings, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 0.5)
    monkeypatch.setattr(build, "config", lambda: settings)
    monkeypatch.setattr(sys, "argv", ["grader", "--scheduler", "tls://127.0.0.1:9"])
    with pytest.raises(SystemExit, match=r"(?s)No .* at tls://127.0.0.1:9: .*lack the ca-file.*CLUSTER.md"):
        main()
    monkeypatch.setattr(sys, "argv", ["grader", "--scheduler", "tcp://127.0.0.1:9"])
    with pytest.raises(SystemExit, match=r"(?s)No Dask scheduler answers at tcp://127.0.0.1:9: .*CLUSTER.md"):
        main()
    assert marks(settings) == {}


def test_a_scheduler_without_workers_is_no_use(settings, monkeypatch):
    monkeypatch.setattr(cluster, "CONNECT", 2)
    with (
        LocalCluster(n_workers=0, dashboard_address=None) as empty,
        pytest.raises(NoWorkers, match="has no workers"),
    ):
        grade.grade_all(settings, scheduler=empty.scheduler_address)


def test_a_worker_with_another_version_of_the_course_is_not_used(workers, settings, monkeypatch):
    monkeypatch.setattr(cluster, "version", lambda: "another")
    with pytest.raises(NoWorkers, match=r"The worker tcp://.* has another version of this course"):
        grade.grade_all(settings, scheduler=workers.scheduler_address)


def test_a_worker_without_a_sandbox_or_with_threads_is_not_used(settings, monkeypatch):
    worker = SimpleNamespace(address="tcp://there:1", state=SimpleNamespace(nthreads=1))
    assert cluster.check(cluster.version(), settings, worker) == sandbox.Sandbox(config=settings).chosen()
    worker.state.nthreads = 2
    with pytest.raises(NoWorkers, match="tcp://there:1 cannot grade: it has several threads"):
        cluster.check(cluster.version(), settings, worker)
    worker.state.nthreads = 1
    monkeypatch.setattr(sandbox.shutil, "which", lambda program: None)
    settings.Sandbox.backend = "bubblewrap"
    sandbox._working.cache_clear()
    try:
        with pytest.raises(NoWorkers, match="bwrap is not installed"):
            cluster.check(cluster.version(), settings, worker)
    finally:
        sandbox._working.cache_clear()
