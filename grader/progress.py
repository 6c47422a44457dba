"""What `make grade` prints while it grades: a bar in a terminal, a line for each submission elsewhere, or JSON."""

from __future__ import annotations

import json

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grader import report


class Lines:
    """A line for each submission."""

    def start(self, total: int, kept: int, backend: str) -> None:
        self.total, self.number, self.running = total, 0, []
        if backend == "none":
            self.say("UNSAFE: students' code runs in your account, without a sandbox.")
        else:
            self.say(f"The sandbox is {backend}.")
        if kept:
            self.say(f"{kept} graded before and unchanged (--again grades them too).")

    def begin(self, student: str, assignment: str) -> None:
        self.running.append((student, assignment))

    def graded(self, result: report.Result, seconds: float) -> None:
        self._end(result.student, result.assignment, f"{result.marks}, {seconds:.0f} s")

    def not_recorded(self, student: str, assignment: str, why: str) -> None:
        self._end(student, assignment, f"NOT RECORDED: {why}")

    def _end(self, student, assignment, told) -> None:
        self.number += 1
        if (student, assignment) in self.running:
            self.running.remove((student, assignment))
        self.say(f"{self.number} of {self.total}  {student}  {assignment} ... {told}")

    def say(self, text: str) -> None:
        print(report.plain_text(text), flush=True)

    def end(self) -> None:
        pass

    def table(self, found: list[report.Result]) -> None:
        report.show(found)


class Live(Lines):
    """A bar with counts, rate, the time that is left and the names of those that are being graded."""

    def start(self, total, kept, backend):
        self.bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(),
            auto_refresh=False,  # no thread: workers are forked from this process
        )
        self.task = self.bar.add_task("", total=total, rate="")
        super().start(total, kept, backend)
        self.bar.start()

    def begin(self, student, assignment):
        super().begin(student, assignment)
        self._show()

    def _end(self, student, assignment, told):
        super()._end(student, assignment, told)
        self.bar.advance(self.task)
        self._show()

    def _show(self):
        speed = self.bar.tasks[0].speed
        names = ", ".join(f"{student}/{assignment}" for student, assignment in self.running)
        rate = f"{60 * speed:.0f} a minute" if speed else ""
        self.bar.update(self.task, description=report.plain_text(names), rate=rate, refresh=True)

    def say(self, text):
        self.bar.console.print(report.plain_text(text), markup=False, highlight=False)

    def end(self):
        self.bar.stop()


class Log(Lines):
    """A line in a log for each submission."""

    def __init__(self, log):
        self.log = log

    def say(self, text):
        self.log.info(report.plain_text(text))

    def not_recorded(self, student, assignment, why):
        self.log.error(report.plain_text(f"{student} {assignment}: {why}"))

    def table(self, found):
        pass


class Json(Lines):
    """A line of JSON for each event, for a program to read."""

    def start(self, total, kept, backend):
        self.number, self.running = 0, []
        self._tell("start", total=total, kept=kept, sandbox=backend)

    def begin(self, student, assignment):
        self._tell("begin", student=student, assignment=assignment)

    def graded(self, result, seconds):
        self._tell(
            "graded",
            student=result.student,
            assignment=result.assignment,
            score=result.score,
            max_score=result.max_score,
            reason=result.reason,
            seconds=round(seconds, 2),
        )

    def not_recorded(self, student, assignment, why):
        self._tell("not recorded", student=student, assignment=assignment, reason=why)

    def say(self, text):
        self._tell("note", text=text)

    def _tell(self, event, **what):
        print(json.dumps({"event": event, **what}), flush=True)

    def table(self, found):
        self._tell("end", submissions=len(found))
