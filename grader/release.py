"""What this course adds to nbgrader's own steps from a source notebook to the one that students get."""

from __future__ import annotations

import hashlib
import json

import nbformat
from nbgrader import preprocessors


class ClearSolutions(preprocessors.ClearSolutions):
    """nbgrader's, but the answer to a question leaves no `raise NotImplementedError()` behind.

    In a function that line tells who calls it too early that it is not written; at the top level of a cell
    it would stop "run all cells" at every question that is still open.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        top_level = any(
            line.startswith("#") and self.begin_solution_delimeter in line for line in cell.source.splitlines()
        )
        stub = self.code_stub
        if top_level and cell.cell_type == "code":
            self.code_stub = dict.fromkeys(stub, "# YOUR ANSWER HERE")
        try:
            return super().preprocess_cell(cell, resources, cell_index)
        finally:
            self.code_stub = stub


class Finish(preprocessors.NbGraderPreprocessor):
    """The last step: the same source gives the same bytes, and the notebook knows what it looked like."""

    def preprocess(self, nb, resources):
        give_ids(nb)
        nb.metadata = nbformat.NotebookNode(
            kernelspec={"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            language_info={"name": "python"},
            convlab={"released": digest(nb)},
        )
        return nb, resources


def give_ids(nb) -> None:
    """Derive each cell's id from its grade_id, or from its source and its place among equal sources."""
    seen: dict[str, int] = {}
    for cell in nb.cells:
        cell.metadata.pop("lines_to_next_cell", None)
        name = cell.metadata.get("nbgrader", {}).get("grade_id") or _digest(cell.source)
        seen[name] = seen.get(name, 0) + 1
        cell.id = name if seen[name] == 1 else f"{name}-{seen[name]}"


def digest(nb) -> str:
    """A digest of what the cells of `nb` say (not of what they printed)."""
    return _digest(json.dumps([[cell.cell_type, cell.source] for cell in nb.cells]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def is_untouched(nb) -> bool:
    """Whether `nb` is as it was released: no cell changed, none run."""
    ran = any(cell.get("outputs") or cell.get("execution_count") for cell in nb.cells)
    return not ran and nb.metadata.get("convlab", {}).get("released") == digest(nb)
