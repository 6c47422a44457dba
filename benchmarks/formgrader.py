"""How long Formgrader takes to answer while its Autograde button grades, next to when it does nothing.

`make teach` runs on a copy of the repository with right hand-ins of notebook 01. Their buttons are pressed one
after the other; meanwhile the list of submissions, which is what an instructor looks at, is asked for every 0.1 s.
Writes results/formgrader.json. The first argument is how many hand-ins.
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import requests
from record import write

from grader import samples

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.browser.conftest import copied, served

HAND_INS, IDLE_LOOKS, PAUSE = 8, 100, 0.1


class Formgrader:
    """A browser's two requests: the list of submissions, and the press of a button."""

    def __init__(self, address: str):
        self._address = f"{address}/formgrader"
        self._session = requests.Session()
        self._session.get(self._address).raise_for_status()
        self._headers = {"X-XSRFToken": self._session.cookies["_xsrf"]}

    def look(self) -> float:
        """Milliseconds until the list is there."""
        start = time.perf_counter()
        self._session.get(f"{self._address}/api/submissions/{samples.ASSIGNMENT}").raise_for_status()
        return 1000 * (time.perf_counter() - start)

    def press(self, student: str) -> float:
        """Seconds until the submission is graded."""
        start = time.perf_counter()
        address = f"{self._address}/api/submission/{samples.ASSIGNMENT}/{student}/autograde"
        reply = self._session.post(address, headers=self._headers)
        reply.raise_for_status()
        if not reply.json()["success"]:
            sys.exit(reply.json()["log"])
        return time.perf_counter() - start


def main(hand_ins: int = HAND_INS) -> None:
    load, busy, students = os.getloadavg()[0], [], [f"student{number}" for number in range(hand_ins)]
    with tempfile.TemporaryDirectory() as folder:
        checkout = copied(Path(folder))
        submitted = checkout / "grader" / "submitted"
        for student in students:
            shutil.copytree(submitted / "sample_perfect", submitted / student)
        with served(checkout, "teach") as address:
            looker, presser = Formgrader(address), Formgrader(address)
            looker.look()
            idle = [looker.look() for _ in range(IDLE_LOOKS)]
            done = threading.Event()

            def look_on():
                while not done.wait(PAUSE):
                    busy.append(looker.look())

            looking = threading.Thread(target=look_on)
            looking.start()
            seconds = [presser.press(student) for student in students]
            done.set()
            looking.join()
    figures = {
        "hand_ins": hand_ins,
        "seconds_of_the_first_press": round(seconds[0], 1),
        "median_seconds_of_a_later_press": round(statistics.median(seconds[1:]), 1),
        "idle": summary(idle),
        "grading": summary(busy),
        "load_at_start": round(load, 2),
    }
    print(json.dumps(figures, indent=2))
    write("formgrader", figures, ("jupyterlab", "nbgrader"))


def summary(milliseconds: list[float]) -> dict:
    """What an answer took."""
    return {
        "looks": len(milliseconds),
        "median_ms": round(statistics.median(milliseconds), 1),
        "p95_ms": round(statistics.quantiles(milliseconds, n=20)[-1], 1),
        "worst_ms": round(max(milliseconds), 1),
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
