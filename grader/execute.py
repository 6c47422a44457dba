"""Runs a student's notebook in the sandbox, judges its exercises outside: nbgrader's Execute and SaveAutoGrades.

Of each exercise the inputs are drawn here, afresh for every run; the student's kernel gets them through a Jupyter
comm and gives back plain data (see `kernel` and `convlab.checks.wire`); the verdict is reached here. The verdicts
are the ledger: score and feedback of an exercise come from it alone, whatever its cell said or printed.
"""

from __future__ import annotations

import ast
import contextlib
import hmac
import importlib
import secrets
import time
import uuid
from queue import Empty

import zmq
from nbclient.util import ensure_async, run_sync
from nbformat.v4 import new_output
from nbgrader import preprocessors, utils
from traitlets import Unicode

from convlab.checks.draw import Draw
from convlab.checks.exercise import Exercise, Verdict
from convlab.checks.plain import Raised, written
from convlab.checks.run import Outcome
from convlab.checks.wire import TARGET, pack, unpack
from grader.sandbox import MIB, KernelManager, NoSandbox, Sandbox

PATIENCE = 5
"""Seconds that a kernel has to stop when it is told to, before it is ended."""

WAYS_ROUND = {
    *("_C", "Library", "redispatch", "__torch_dispatch__", "_python_dispatch", "_watching"),
    *("setprofile", "_getframe", "get_objects"),
    *("ctypes", "threading", "__import__", "import_module", "exec", "eval", "user_ns"),
}
"""Names that no solution of this course needs, and that can get round the guard against library calls."""


class Ended(Exception):
    """The student's kernel is no longer there; the message says why."""


class Execute(preprocessors.Execute):
    """Runs the cells in the sandbox, and puts a verdict into the ledger in place of running an exercise's check.

    The ledger goes to `resources["ledger"]` and into the notebook's metadata.
    """

    secret = Unicode(help="What the inputs are drawn from, in hexadecimal; new each time if empty.").tag(
        config=True
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{**kwargs, "kernel_manager_class": KernelManager})

    def preprocess(self, nb, resources, km=None):
        self.sandbox = Sandbox(parent=self)
        self.ended, self.cell_name, self.room = None, "", self.sandbox.output_mib * MIB
        self.notebook = resources["nbgrader"]["notebook"]
        self.exercises = exercises(nb, self.notebook)
        self.ledger, self.errors = {}, {}
        self.deadline = time.monotonic() + self.sandbox.submission_seconds
        self.timeout_func = self._seconds_left
        nb, resources = super().preprocess(nb, resources, km)
        Exercise.expected.cache_clear()
        Exercise._wrong.cache_clear()
        for cell in nb.cells:
            if entry := self.ledger.get(cell.metadata.get("nbgrader", {}).get("grade_id")):
                cell.outputs = [
                    new_output("stream", name="stdout", text=entry["text"] + "\n"),
                    new_output("execute_result", data={"text/plain": repr(entry["points"])}),
                ]
        resources["ledger"] = self.ledger
        nb.metadata["grader"] = {"ended": self.ended, "ledger": list(self.ledger.values())}
        return nb, resources

    async def async_start_new_kernel_client(self):
        self._provisioner = self.km.provisioner
        try:
            return await super().async_start_new_kernel_client()
        except RuntimeError as error:
            raise NoSandbox(
                f"the kernel did not start in the sandbox: {error} {self._provisioner.said()}"
            ) from error

    start_new_kernel_client = run_sync(async_start_new_kernel_client)

    def preprocess_cell(self, cell, resources, index):
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        exercise = self.exercises.get(grade_id)
        before = "" if self.ended is None else "it was not reached: "
        if self.ended is None and cell.cell_type == "code":
            self.cell_name = grade_id or cell.source.strip().partition("\n")[0][:60]
            try:
                self._run_or_judge(cell, index, grade_id, exercise)
            except NoSandbox:
                raise
            except Exception as error:  # whatever a hostile kernel sends ends it, and nothing else
                self._end(str(error) if isinstance(error, Ended) else self._why_it_ended(error))
        if exercise and grade_id not in self.ledger:
            self._enter(grade_id, exercise, self._not_judged(exercise, before + self.ended))
        return cell, resources

    def _run_or_judge(self, cell, index, grade_id, exercise):
        if time.monotonic() > self.deadline:
            raise Ended(f"the notebook ran longer than {self.sandbox.submission_seconds} s")
        if exercise:
            self._judge(grade_id, exercise)
        else:
            cell.metadata.pop("tags", None)
            self.told_end = False
            self.execute_cell(cell, index, store_history=True)
            late = any(one.output_type == "error" and one.ename == "CellTimeoutError" for one in cell.outputs)
            if late or (cell.source.strip() and not self.told_end):
                run_sync(self._make_sure_it_answers)()
            errors = [f"{one.ename}: {one.evalue}" for one in cell.outputs if one.output_type == "error"]
            if grade_id and errors:
                self.errors[grade_id] = errors[0][:500]
        if self.km.provisioner.ended:
            raise Ended(self.km.provisioner.ended)

    def _why_it_ended(self, error) -> str:
        if self.km is not None and self.km.provisioner is not None and self.km.provisioner.ended:
            return self.km.provisioner.ended
        name = type(error).__name__
        if name == "DeadKernelError":
            return f"the Python process ended at the cell {self.cell_name}"
        if name == "CellTimeoutError":
            return f"the cell {self.cell_name} could not be stopped when its time was over"
        told = repr(error)[:300]
        return f"its Python process sent what is no message of a kernel, at the cell {self.cell_name}: {told}"

    def _end(self, reason: str) -> None:
        self.ended = reason
        if self.km is not None and self.km.provisioner is not None:
            self.km.provisioner.stop(reason)

    def _seconds_left(self, cell=None) -> int:
        return max(1, min(self.sandbox.cell_seconds, int(self.deadline - time.monotonic())))

    def process_message(self, msg, cell, cell_index):
        """nbclient's, for what there is room for."""
        self.told_end |= msg["msg_type"] == "status" and msg["content"].get("execution_state") == "idle"
        self.room -= _length(msg["content"])
        if self.room < 0 and msg["msg_type"] != "status":
            if "too much output" not in cell.metadata:
                cell.metadata["too much output"] = True
                cut = f"[more than {self.sandbox.output_mib} MiB of output: the rest is cut off]\n"
                cell.outputs.append(new_output("stream", name="stdout", text=cut))
            return None
        return super().process_message(msg, cell, cell_index)

    async def _make_sure_it_answers(self):
        """After a cell that ran out of time, or whose end was not told: ZeroMQ hangs up on a message too large."""
        socket, address = self.kc.iopub_channel.socket, self.kc._make_url("iopub")
        with contextlib.suppress(zmq.ZMQError):
            socket.disconnect(address)
        socket.connect(address)
        try:
            await self.kc.wait_for_ready(timeout=PATIENCE)
        except RuntimeError:
            raise Ended(f"the cell {self.cell_name} could not be stopped when its time was over") from None

    # Exercises

    def _judge(self, grade_id: str, exercise: Exercise) -> None:
        key = bytes.fromhex(self.secret) or secrets.token_bytes(32)
        seed = int.from_bytes(hmac.digest(key, f"{self.notebook}/{exercise.name}".encode(), "sha256"))
        cases = tuple(exercise.cases(Draw(seed)))
        start = time.perf_counter()
        outcomes, unanswered = run_sync(self._ask)(exercise, cases)
        missing = [Outcome(Raised(*unanswered))] * (len(cases) - len(outcomes))
        outcomes = [*outcomes, *missing]
        evidence = sorted({f"calls {used}" for outcome in outcomes for used in outcome.used})
        if exercise.forbidden:
            evidence += ways_round(self.nb, exercise.name)
        try:
            verdict = exercise.judge(cases, outcomes)
        except Exception as error:  # nothing that a student can mend
            evidence.append(f"the check itself failed with {error!r:.300}")
            verdict = self._not_judged(exercise, "the check itself failed: a person will look at your answer")
        failures = [
            {
                "aspect": case.aspect,
                "inputs": [written(*item)[:2000] for item in case.inputs.items()],
                "came out": written("", outcome.value)[5:2000],
                "fault": fault[:2000],
            }
            for case, outcome, fault in zip(cases, outcomes, verdict.faults or [None] * len(cases), strict=True)
            if fault
        ]
        self._enter(grade_id, exercise, verdict, seed, len(cases), failures, evidence)
        self.ledger[grade_id]["milliseconds"] = round(1000 * (time.perf_counter() - start), 1)

    def _not_judged(self, exercise: Exercise, why: str) -> Verdict:
        text = f"{exercise.name}: 0 of {exercise.points:g} points\n  → {why}"
        return Verdict(exercise.name, 0.0, exercise.points, (), ("everything",), None, text)

    def _enter(self, grade_id, exercise, verdict, seed=None, cases=0, failures=(), evidence=()):
        self.ledger[grade_id] = {
            "cell": grade_id,
            "exercise": exercise.name,
            "points": float(verdict.points),
            "max_points": exercise.points,
            "text": verdict.text.replace("visible checks", "checks", 1),
            "misconception": verdict.misconception,
            "error": self.errors.get(exercise.name),
            "passed": list(verdict.passed),
            "failed": list(verdict.failed),
            "seed": None if seed is None else str(seed),
            "cases": cases,
            "failures": list(failures),
            "flagged": list(evidence),
        }

    async def _ask(self, exercise: Exercise, cases) -> tuple[list[Outcome], tuple[str, str]]:
        """Let the kernel try the cases: the outcomes as far as they came, and why there are not more."""
        session, comm_id = self.kc.session, uuid.uuid4().hex
        content = {
            "comm_id": comm_id,
            "target_name": TARGET,
            "data": {"module": self.notebook, "exercise": exercise.name, "forbidden": dict(exercise.forbidden)},
        }
        message = session.msg("comm_open", content)
        data = pack([[case.aspect, case.inputs] for case in cases])
        session.send(self.kc.shell_channel.socket, message, buffers=[data])
        found, unreadable = [], None
        deadline = time.monotonic() + self._seconds_left()
        late = False
        while True:
            try:
                wait = max(0.0, min(1.0, deadline - time.monotonic()))
                reply = await ensure_async(self.kc.iopub_channel.get_msg(timeout=wait))
            except (TimeoutError, Empty):
                if not await ensure_async(self.km.is_alive()):
                    raise Ended(
                        self.km.provisioner.ended or f"the Python process ended while {exercise.name} was checked"
                    ) from None
                if time.monotonic() >= deadline:
                    if late:
                        raise Ended(f"{exercise.name} could not be stopped when its time was over") from None
                    late, deadline = True, time.monotonic() + PATIENCE
                    await ensure_async(self.km.interrupt_kernel())
                continue
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                deadline = max(
                    deadline, min(self.deadline, time.monotonic() + PATIENCE)
                )  # output of a cell before
                continue
            kind, told = reply["msg_type"], reply["content"]
            if kind == "status" and told.get("execution_state") == "idle":
                break
            if kind == "comm_msg" and told.get("comm_id") == comm_id:
                try:
                    for data in reply["buffers"][: len(cases) - len(found)]:
                        found.append(outcome(unpack(data)))
                except ValueError as error:
                    unreadable = str(error)
                    break
        if unreadable:
            return found, ("Unreadable", unreadable)
        if late:
            return found, ("TimeoutError", f"it ran longer than {self.sandbox.cell_seconds} s")
        return found, ("NoAnswer", "the notebook's Python process gave no answer")


def exercises(nb, notebook: str) -> dict[str, Exercise]:
    """The exercises of a notebook by the grade_id of the cell that gives the points.

    Raises ValueError for a cell with points that neither an exercise nor a person gives.
    """
    found = {}
    for cell in nb.cells:
        if utils.is_grade(cell) and not utils.is_solution(cell) and cell.cell_type == "code":
            grade_id = cell.metadata.nbgrader.grade_id
            name = grade_id.removeprefix("check_")
            exercise = getattr(importlib.import_module(f"convlab.checks.{notebook}"), name, None)
            if not isinstance(exercise, Exercise):
                raise ValueError(
                    f"The cell {grade_id} of {notebook} gives points, and convlab.checks.{notebook} describes no "
                    f"exercise {name}: nothing in the sandbox can be trusted to give them."
                )
            found[grade_id] = exercise
    return found


def outcome(told) -> Outcome:
    """The outcome in what a kernel sent; ValueError where it has another form."""
    if type(told) is not dict or list(told) != ["value", "modified", "used"]:
        raise ValueError("this is not the outcome of a case")
    modified, used = told["modified"], told["used"]
    for names in (modified, used):
        if type(names) is not tuple or any(type(name) is not str for name in names):
            raise ValueError("this is not the outcome of a case")
    return Outcome(told["value"], modified, used)


def ways_round(nb, name: str) -> list[str]:
    """What in the answer `name` can get round the guard against library calls, for a person to look at."""
    found = []
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == name:
            try:
                tree = ast.parse(cell.source)
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            for node in ast.walk(tree):
                for field in ("id", "attr", "name", "value", "module"):
                    word = getattr(node, field, None)
                    if isinstance(word, str) and WAYS_ROUND & set(word.split(".")):
                        line = getattr(node, "lineno", 0)
                        found.append(f"line {line}: {cell.source.splitlines()[line - 1].strip()[:100]}")
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "getattr":
                    found.append(f"line {node.lineno}: {cell.source.splitlines()[node.lineno - 1].strip()[:100]}")
    return list(dict.fromkeys(found))


def _length(value) -> int:
    """About how many bytes there are in the content of a message."""
    if isinstance(value, dict):
        return sum(len(key) + _length(item) for key, item in value.items())
    if isinstance(value, list):
        return sum(map(_length, value))
    return len(value) if isinstance(value, str) else 8


class SaveAutoGrades(preprocessors.SaveAutoGrades):
    """nbgrader's, with the points of the exercises from the ledger; a flagged one waits for a person."""

    def preprocess(self, nb, resources):
        self.ledger = resources["ledger"]
        return super().preprocess(nb, resources)

    def _add_score(self, cell, resources):
        super()._add_score(cell, resources)
        grade_id = cell.metadata.nbgrader.grade_id
        if entry := self.ledger.get(grade_id):
            grade = self.gradebook.find_grade(grade_id, self.notebook_id, self.assignment_id, self.student_id)
            grade.auto_score = entry["points"]
            grade.needs_manual_grade = grade.manual_score is not None or bool(entry["flagged"])
            self.gradebook.db.commit()
