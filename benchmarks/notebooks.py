"""How large each notebook is, and how long it takes from top to bottom with the solutions.

Writes results/notebooks.json.
"""

import os
import tempfile
import time

from nbclient import NotebookClient
from record import write

from grader.build import read_source, sources
from grader.mutants import exercises


def seconds(nb) -> float:
    """Wall time of a notebook from top to bottom, its kernel's start included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        NotebookClient(nb, timeout=600, resources={"metadata": {"path": folder}}).execute()
        return round(time.perf_counter() - start, 1)


def main() -> None:
    load, described, rows = os.getloadavg()[0], list(exercises()), []
    for path in sources():
        nb = read_source(path)
        own = [exercise for module, exercise in described if path.name == f"{module}.nb.py"]
        rows.append(
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
        print(*rows[-1].values(), flush=True)
    total = round(sum(row["seconds"] for row in rows))
    figures = {"notebooks": rows, "seconds": total, "load_at_start": round(load, 2)}
    write("notebooks", figures, ("torch", "nbclient", "ipykernel"))


if __name__ == "__main__":
    main()
