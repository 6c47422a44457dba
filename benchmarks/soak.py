"""A thousand submissions in one run of `make grade`: how fast it is, and whether its memory grows.

After every tenth submission the memory of all its processes is read, the kernels' too, what they share counted
once. A kernel may be early or late in its notebook, so compare the medians of the ten parts of the run. Writes
results/soak.json. The first argument is how many submissions.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grading import course_folder
from record import write

from grader.sandbox import MIB, shared_memory

SUBMISSIONS = 1000
PARTS = 10


def main(size: int = SUBMISSIONS) -> None:
    load, memory, scores = os.getloadavg()[0], [], []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        course_folder(root, size)
        command = [sys.executable, "-m", "grader", "--again", "--json"]
        environment = os.environ | {"JUPYTER_CONFIG_PATH": str(root / "grader")}
        start = time.perf_counter()
        with subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, text=True) as run:
            for line in run.stdout:
                event = json.loads(line)
                if event["event"] == "graded":
                    scores.append(event["score"])
                    if len(scores) % 10 == 0:
                        memory.append(shared_memory(run.pid) / MIB)
        minutes = (time.perf_counter() - start) / 60
    if run.returncode or scores != [23.0] * size:
        sys.exit(f"{run.returncode=}, and {scores.count(23.0)} of {size} right hand-ins have full marks")
    part = len(memory) // PARTS
    medians = [round(statistics.median(memory[n * part : (n + 1) * part])) for n in range(PARTS)]
    figures = {
        "submissions": size,
        "minutes": round(minutes, 1),
        "per_minute": round(size / minutes, 1),
        "peak_mib": round(max(memory)),
        "median_mib_of_each_tenth": medians,
        "load_at_start": round(load, 2),
    }
    print(*(f"{key}: {value}" for key, value in figures.items()), sep="\n")
    write("soak", figures, ("nbgrader", "ipykernel", "torch"))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
