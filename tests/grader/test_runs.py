"""Runs that are ended, repeated, run side by side, and started from nbgrader: the same marks, and none lost."""

import asyncio
import copy
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader import autograde, grade, report, sandbox, workers
from grader.build import ROOT
from tests import sandboxes
from tests.hostile.zoo import ALL, ASSIGNMENT, NAME, RIGHT, ZOO, Hostile, hand_in

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

SWAPPED = "def window_dot(x, k, i, j): return (x[j : j + k.shape[0], i : i + k.shape[1]] * k).sum()"

HAND_INS = {
    "right": (Hostile("honest", ALL), ALL),
    "half": (Hostile("honest", 5, answers=dict.fromkeys(list(RIGHT)[2:], "pass")), 5),
    "swapped": (Hostile("honest", 0, answers={"window_dot": SWAPPED}), ALL - 3 - 8 - 4),
    "broken": (ZOO["no_json"], 0),
    "exits": (ZOO["exit_at_once"], 5),
}


def course(root: Path, times: int = 1):
    """Settings for a course folder with these hand-ins, each `times`."""
    for name, (one, _) in HAND_INS.items():
        for number in range(times):
            hand_in(one, root / "grader" / "submitted" / f"{name}{number}" / ASSIGNMENT, root, 1)
    return sandboxes.settings(root)


def marks(settings) -> dict:
    """All that the gradebook knows about the submissions."""
    coursedir = CourseDirectory(config=settings)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        return {
            (submission.student.id, grade.name): (grade.auto_score, grade.manual_score, grade.needs_manual_grade)
            for submission in gradebook.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def command(root: Path, *arguments: str) -> list[str]:
    """`python -m grader` in this course folder."""
    code = (
        "import sys; from grader import build; from grader.__main__ import main; from tests import sandboxes; "
        f"config = build.config; here = sandboxes.settings({str(root)!r}); "
        "build.config = lambda **given: config(**given) if given else here; "
        f"sys.argv = ['grader', *{list(arguments)!r}]; main()"
    )
    return [sys.executable, "-c", code]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A course folder that was graded with two workers, without a disturbance."""
    root = tmp_path_factory.mktemp("done")
    settings = course(root, times=2)
    assert grade.grade_all(settings, jobs=2)
    return settings


def test_the_marks_are_right(done):
    found = {result.student: result.score for result in report.results(CourseDirectory(config=done))}
    assert found == {f"{name}{number}": score for name, (_, score) in HAND_INS.items() for number in range(2)}


def test_one_after_another_gives_the_same_gradebook(done, tmp_path):
    settings = course(tmp_path, times=2)
    assert grade.grade_all(settings, jobs=1)
    assert marks(settings) == marks(done)


def test_runs_that_are_killed_at_20_moments_end_in_the_same_gradebook(done, tmp_path):
    settings = course(tmp_path, times=2)
    moments = random.Random(6)
    for _ in range(20):
        run = subprocess.Popen(
            command(tmp_path, "--jobs", "2"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        time.sleep(moments.uniform(1, 10))
        if moments.random() < 0.5:  # a worker, or what it started
            children = Path(f"/proc/{run.pid}/task/{run.pid}/children")
            victims = children.read_text().split() if children.exists() else []
            for pid in moments.sample(victims, min(1, len(victims))):
                os.kill(int(pid), signal.SIGKILL)
            time.sleep(moments.uniform(0, 2))
        run.kill()
        run.wait()
    assert grade.grade_all(settings, jobs=2)
    assert marks(settings) == marks(done)
    for name in marks(settings):
        assert report.ledger(CourseDirectory(config=settings), ASSIGNMENT, name[0])["fingerprint"]
    assert not (tmp_path / "grader" / ".grading").exists()


def test_a_second_run_grades_only_what_has_changed(done, tmp_path, capsys):
    settings = course(tmp_path)
    assert grade.grade_all(settings)
    first = {path: path.read_text() for path in (tmp_path / "grader" / "ledger").rglob("*.json")}
    hand_in(HAND_INS["right"][0], tmp_path / "grader" / "submitted" / "late" / ASSIGNMENT, tmp_path, 1)
    path = tmp_path / "grader" / "submitted" / "half0" / ASSIGNMENT / NAME
    path.write_text((tmp_path / "grader" / "submitted" / "right0" / ASSIGNMENT / NAME).read_text())
    capsys.readouterr()
    assert grade.grade_all(settings)
    printed = capsys.readouterr().out
    assert "4 graded before and unchanged" in printed
    assert "2 of 2" in printed
    changed = {path.parent.name for path, text in first.items() if path.read_text() != text}
    assert changed == {"half0"}
    assert {name for name, _ in marks(settings)} == {*(f"{name}0" for name in HAND_INS), "late"}
    coursedir = CourseDirectory(config=settings)
    assert report.read(coursedir, ASSIGNMENT, "half0").score == ALL


def test_a_regrade_that_fails_leaves_no_mark_unmarked(tmp_path):
    settings = course(tmp_path)
    assert grade.grade_all(settings, student="right0")
    too_small = copy.deepcopy(settings)
    too_small.Sandbox.memory_mib = 1
    assert not grade.grade_all(too_small, student="right0", again=True, jobs=1)
    assert {needs for (name, _), (_, _, needs) in marks(settings).items() if name == "right0"} == {True}
    result = report.read(CourseDirectory(config=settings), ASSIGNMENT, "right0")
    assert (result.score, result.reason) == (ALL, report.NOT_GRADED)
    assert grade.grade_all(settings, student="right0")
    assert {needs for (name, _), (_, _, needs) in marks(settings).items() if name == "right0"} == {False}


def test_marks_by_hand_survive_a_regrade_of_one_student(done):
    coursedir = CourseDirectory(config=done)
    before = marks(done)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        gradebook.find_grade("check_output_size", "sliding_window", ASSIGNMENT, "half0").manual_score = 3
        gradebook.find_comment("window_dot", "sliding_window", ASSIGNMENT, "half0").manual_comment = "Well done!"
        gradebook.db.commit()
    assert grade.grade(done, ASSIGNMENT, "half0").score == 5 + 3
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        assert gradebook.find_grade("check_output_size", "sliding_window", ASSIGNMENT, "half0").needs_manual_grade
        comment = gradebook.find_comment("window_dot", "sliding_window", ASSIGNMENT, "half0")
        assert comment.manual_comment == "Well done!"
    page = Path(coursedir.format_path(coursedir.feedback_directory, "half0", ASSIGNMENT), NAME).with_suffix(
        ".html"
    )
    assert "Well done!" in page.read_text()
    others = {key: value for key, value in marks(done).items() if key[0] != "half0"}
    assert others == {key: value for key, value in before.items() if key[0] != "half0"}


@pytest.mark.parametrize("how", ["command", "python"])
def test_nbgrader_itself_takes_the_same_path(done, tmp_path, how):
    settings = course(tmp_path)
    database = f"sqlite:///{tmp_path}/grader/gradebook.db"
    if how == "command":
        where = [f"--CourseDirectory.root={tmp_path}", f"--CourseDirectory.db_url={database}"]
        run = subprocess.run(
            [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT, "--student", "swapped0", *where],
            env={**os.environ, "JUPYTER_CONFIG_PATH": str(ROOT / "grader")},
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stderr
    else:
        result = NbGraderAPI(config=settings).autograde(ASSIGNMENT, "swapped0")
        assert result["success"], result
        assert "The sandbox is" in result["log"]
    mine = {key: value for key, value in marks(done).items() if key[0] == "swapped0"}
    assert marks(settings) == mine
    assert report.ledger(CourseDirectory(config=settings), ASSIGNMENT, "swapped0")["sandbox"] != "none"


def test_json_has_a_line_for_each_event(tmp_path):
    course(tmp_path)
    run = subprocess.run(
        command(tmp_path, "--json", "--student", "[rb]*"), cwd=ROOT, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    events = [json.loads(line) for line in run.stdout.splitlines()]
    assert [event["event"] for event in events if event["event"] != "begin"] == [
        "start",
        "graded",
        "graded",
        "end",
    ]
    graded = {
        event["student"]: (event["score"], event["reason"] is None)
        for event in events
        if event["event"] == "graded"
    }
    assert graded == {"right0": (ALL, True), "broken0": (0, False)}


def test_what_works_nowhere_is_not_chosen(monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda program: None)
    sandbox._working.cache_clear()
    try:
        with pytest.raises(sandbox.NoSandbox, match=r"(?s)is not run without one:.*podman is not installed"):
            sandbox.Sandbox().chosen()
    finally:
        sandbox._working.cache_clear()


def test_without_a_sandbox_nothing_runs_unless_told_and_the_report_says_so(tmp_path):
    course(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "chmod").symlink_to(shutil.which("chmod"))

    def run(*arguments):
        without = os.environ | {"PATH": str(tmp_path / "bin")}
        return subprocess.run(command(tmp_path, *arguments), cwd=ROOT, env=without, capture_output=True, text=True)

    refused = run("--sandbox", "bubblewrap")
    assert refused.returncode == 1
    assert "students' code is not run without one:\n  bubblewrap: bwrap is not installed" in refused.stderr
    assert not (tmp_path / "grader" / "gradebook.db").exists()
    told = run("--student", "right0", "--unsafe-no-sandbox")
    assert told.returncode == 0, told.stderr
    assert "UNSAFE: students' code runs in your account" in told.stdout
    assert "23 / 23 (no sandbox)" in told.stdout


@pytest.mark.skipif(
    tuple(map(int, platform.release().split(".")[:2])) < (6, 14), reason="a namespace has a limit from 6.14 on"
)
def test_a_kernel_has_no_more_process_ids_than_its_limits_need():
    async def most():
        settings = Config(Sandbox={"backend": "forkserver", "processes": 50})
        manager = sandbox.KernelManager(config=settings)
        await manager.start_kernel()
        try:
            inside = f"--target={manager.provisioner._inside}", "--user", "--preserve-credentials", "--pid"
            return subprocess.check_output(["nsenter", *inside, "cat", "/proc/sys/kernel/pid_max"], text=True)
        finally:
            await manager.shutdown_kernel(now=True)

    assert asyncio.run(most()) == "400\n"


def test_a_container_is_given_the_same_limits(monkeypatch):
    monkeypatch.setattr(sandbox, "seen", lambda: "/view")
    limits = sandbox.Sandbox(memory_mib=100, processes=7, disk_mib=5, file_mib=3, image="course")
    line = sandbox.container(limits, "podman", "this", ["python", "kernel.py"], "/handed/in", "/sockets")
    assert line[:3] == ["podman", "run", "--rm"]
    assert line[-6:-4] == ["sh", "-c"]
    assert line[-7] == "course"
    assert line[-3:] == ["sh", "python", "kernel.py"]
    for option in (
        "--name=this",
        "--network=none",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--memory=100m",
        "--memory-swap=100m",
        "--pids-limit=7",
        "--read-only-tmpfs=false",
        "--ulimit=fsize=3145728",
        "--tmpfs=/run/work:rw,size=5m,mode=1777",
        "--volume=/view:/run/course:ro",
        "--volume=/handed/in:/run/handed_in:ro",
        "--volume=/sockets:/run/kernel:rw",
    ):
        assert option in line


def test_a_container_is_ended_by_its_engine(tmp_path, monkeypatch):
    engine = tmp_path / "podman"
    engine.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/told\n')
    engine.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "sockets" / "more").mkdir(parents=True)
    (tmp_path / "sockets" / "more" / "data").write_bytes(bytes(2**21))
    provisioner = sandbox.SandboxProvisioner()
    provisioner.sandbox, provisioner.backend, provisioner._name = sandbox.Sandbox(), "podman", "convlab-1"
    provisioner._folder = SimpleNamespace(name=str(tmp_path))
    provisioner.process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    provisioner._watch_over(provisioner.process)
    assert provisioner.ended == "it filled the folder of its sockets, which is on the disk of this machine"
    assert (tmp_path / "told").read_text() == "kill convlab-1\n"
    assert provisioner.process.wait() == -signal.SIGKILL


def test_workers_are_forked_from_a_new_process_where_the_code_has_changed():
    def pid():
        workers.begin()
        return forkserver._forkserver._forkserver_pid

    first = pid()
    assert pid() == first
    workers.begin.code = {}
    assert pid() != first


def test_the_inputs_differ_between_students_and_hand_ins_and_not_between_runs(done):
    coursedir = CourseDirectory(config=done)

    def seeds(student):
        return [
            entry["seed"]
            for entry in report.ledger(coursedir, ASSIGNMENT, student)["notebooks"]["sliding_window"]["ledger"]
        ]

    first, second = seeds("right0"), seeds("right1")
    assert len({*first, *second}) == 14
    grade.grade(done, ASSIGNMENT, "right0")
    assert seeds("right0") == first
    path = Path(coursedir.format_path(coursedir.submitted_directory, "right1", ASSIGNMENT), NAME)
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].source += "\n"
    nbformat.write(nb, path)
    grade.grade(done, ASSIGNMENT, "right1")
    assert not {*second} & {*seeds("right1")}


def test_formgraders_button_grades_while_the_server_answers_others(done, tmp_path):
    settings = course(tmp_path)
    settings.HTMLExporter.template_name = "formgrade"  # as in Formgrader's server
    api = NbGraderAPI(config=settings)
    written, ticks = [], []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.1)

    async def press():
        others = asyncio.create_task(tick())
        handler = SimpleNamespace(api=api, write=written.append)
        await autograde.post(handler, ASSIGNMENT, "swapped0")
        others.cancel()

    asyncio.run(press())
    (reply,) = map(json.loads, written)
    assert reply["success"], reply
    assert len(ticks) > 10
    assert marks(settings) == {key: value for key, value in marks(done).items() if key[0] == "swapped0"}
