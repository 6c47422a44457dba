"""The whole check suite with 100 seeds, and the size and time of each notebook.

With every seed each solution has to get full marks, and each misconception has to lose points and be told its own
sentence; a seed with which one of them does not is a flaky run. Writes results/checks.json.
"""

import os
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor

import torch
from nbclient import NotebookClient
from record import write

from grader.build import read_source, solutions, sources
from grader.mutants import exercises, hand_in, named

SEEDS = range(100)


def surprises(module: str, name: str) -> list[tuple[int, str]]:
    """What the check of an exercise got wrong: with which seed, and what."""
    (exercise,) = (one for found, one in exercises() if (found, one.name) == (module, name))
    (source,) = (path for path in sources() if path.name == f"{module}.nb.py")
    work, found = solutions(source)[name], []
    for seed in SEEDS:
        if exercise.check(work, seed).points != exercise.points:
            found.append((seed, f"{name}: the solution lost points"))
        for misconception in exercise.misconceptions:
            verdict = hand_in(exercise, misconception.variant, seed)
            if verdict.points == exercise.points or not named(misconception, verdict):
                found.append((seed, f"{name}: {misconception.name}\n{verdict.text}"))
    return found


def seconds(nb) -> float:
    """Wall time of a notebook from top to bottom, its kernel's start included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        NotebookClient(nb, timeout=300, resources={"metadata": {"path": folder}}).execute()
        return round(time.perf_counter() - start, 1)


def main() -> None:
    load, described, notebooks = os.getloadavg()[0], list(exercises()), []
    for path in sources():
        nb = read_source(path)
        own = [exercise for module, exercise in described if path.name == f"{module}.nb.py"]
        notebooks.append(
            {
                "notebook": path.parent.name,
                "seconds": seconds(nb),
                "exercises": sum(exercise.reveal for exercise in own),
                "questions": sum(not exercise.reveal for exercise in own),
                "misconceptions": sum(len(exercise.misconceptions) for exercise in own),
                "words": sum(len(cell.source.split()) for cell in nb.cells if cell.cell_type == "markdown"),
                "cells": len(nb.cells),
            }
        )
        print(notebooks[-1], flush=True)
    names = [(module, exercise.name) for module, exercise in described]
    with ProcessPoolExecutor(initializer=torch.set_num_threads, initargs=(1,)) as pool:
        found = [one for some in pool.map(surprises, *zip(*names, strict=True)) for one in some]
    for seed, what in found:
        print(f"seed {seed}  {what}")
    flaky = sorted({seed for seed, _ in found})
    print(f"flaky runs: {len(flaky)} of {len(SEEDS)}")
    figures = {"notebooks": notebooks, "runs": len(SEEDS), "flaky_runs": len(flaky), "flaky_seeds": flaky}
    write("checks", figures | {"load_at_start": round(load, 2)}, ("torch", "nbclient", "ipykernel"))


if __name__ == "__main__":
    main()
