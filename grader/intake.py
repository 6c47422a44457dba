"""What was handed in becomes a normal notebook, or a reason why it cannot, before anything of it runs.

The structure of the notebook comes from the release, and only the text of the cells from the student: metadata,
checks, points and the kernel are as they were handed out, whatever has become of them.
"""

from __future__ import annotations

import contextlib
import copy
import json
import math
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

LARGEST = 10 * 1000 * 1000
"""Bytes that a hand-in may have, all files together."""

FILES, DEPTH, CELLS = 200, 50, 2000
KINDS = ("code", "markdown", "raw")
IMAGES = ("image/png", "image/jpeg", "image/gif")
MISSING = "This cell was missing from the hand-in."

Released = Mapping[str, Sequence[NotebookNode]]
"""The cells of an assignment that nbgrader knows, in their order, by the name of the notebook."""


class Rejected(ValueError):
    """A hand-in that cannot be graded; the message is the reason, for the student to read."""


@dataclass(frozen=True)
class HandIn:
    """A hand-in as it is graded: `notebooks` by name, other `files` by path, `notes` on what was mended."""

    notebooks: dict[str, NotebookNode]
    files: dict[str, bytes]
    notes: tuple[str, ...]


def intake(folder: Path, released: Released) -> HandIn:
    """The hand-in in `folder`, restored to what was `released`. Raises Rejected."""
    files = {name: data for name, data in handed_in(folder) if not _is_hidden(name)}
    notebooks, notes = {}, []
    for name, cells in released.items():
        data = files.pop(f"{name}.ipynb", None)
        if data is None:
            there = ", ".join(sorted(files))
            raise Rejected(f"no {name}.ipynb was handed in, {f'only {there}' if there else 'the folder is empty'}")
        notebooks[name], mended = restored(_parsed(data, f"{name}.ipynb"), cells, f"{name}.ipynb")
        notes += mended
    others = {name: data for name, data in files.items() if not name.endswith(".ipynb")}
    return HandIn(notebooks, others, tuple(notes))


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in name.split("/"))


def handed_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The files in `folder` and below it, without following a link. Raises Rejected."""
    for above in (folder.parent, folder):
        if above.is_symlink():
            raise Rejected(f"{above.name} is a link, and must be a folder")
    left, number = LARGEST, 0
    for where, folders, names in os.walk(folder):
        for name in sorted((*folders, *names)):
            path = Path(where, name)
            inner = path.relative_to(folder).as_posix()
            number += 1
            if number > FILES:
                raise Rejected(f"there are more than {FILES} files and folders in it")
            if path.is_symlink() or (name in names and not stat.S_ISREG(path.lstat().st_mode)):
                raise Rejected(f"{_shown(inner)} is a link or a special file: hand in the file itself")
            if name in names:
                data = _read(path, left)
                if data is None:
                    raise Rejected(
                        f"it is larger than {LARGEST // 10**6} MB: clear the outputs, and hand in no data"
                    )
                left -= len(data)
                yield inner, data


def _read(path: Path, most: int) -> bytes | None:
    """The contents of a file, None where there are more than `most` bytes; a link put in its place fails."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        data = file.read(most + 1)
    return None if len(data) > most else data


def _parsed(data: bytes, name: str) -> dict:
    """The JSON of a notebook, checked as far as `restored` relies on it."""
    try:
        nb = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        start = data[:40].decode(errors="replace")
        detail = f"{error}" if data[:1] == b"{" else f"it starts with {start!r}"
        raise Rejected(f"{name} is not a notebook: {detail}") from None
    if _depth(nb) > DEPTH:
        raise Rejected(f"{name} is not a notebook: its JSON is nested more than {DEPTH} deep")
    if type(nb) is not dict or nb.get("nbformat") != 4:
        found = nb.get("nbformat") if type(nb) is dict else None
        raise Rejected(f"{name} is not a notebook of format 4, which JupyterLab saves; its format is {found!r}")
    cells = nb.get("cells")
    if type(cells) is not list or any(
        type(cell) is not dict or cell.get("cell_type") not in KINDS for cell in cells
    ):
        raise Rejected(f"{name} is not a notebook: its list of cells is damaged")
    if len(cells) > CELLS:
        raise Rejected(f"{name} has {len(cells)} cells, more than {CELLS}")
    return nb


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _depth(value) -> float:
    """How deep lists and dicts are nested in `value`; counting stops beyond DEPTH."""
    level, depth = [value], 0
    while level and depth <= DEPTH:
        level = [
            item
            for one in level
            if isinstance(one, dict | list)
            for item in (one.values() if isinstance(one, dict) else one)
        ]
        depth += 1
    return depth if not level else math.inf


def _source(cell: dict, name: str) -> str:
    source = cell.get("source", "")
    if type(source) is list and all(type(line) is str for line in source):
        source = "".join(source)
    if type(source) is not str:
        raise Rejected(f"{name} is not a notebook: the text of a cell is no text")
    return source.encode(errors="replace").decode()


def _grade_id(cell: dict, known: Mapping) -> str | None:
    """Which of the `known` cells `cell` is; tools that drop nbgrader's metadata may leave the id of the cell."""
    metadata = cell.get("metadata")
    marked = metadata.get("nbgrader") if type(metadata) is dict else None
    told = marked.get("grade_id") if type(marked) is dict else cell.get("id")
    return told if type(told) is str and told in known else None


def _shown(name: str) -> str:
    return "".join(filter(str.isprintable, name.encode(errors="replace").decode()))[:80]


def restored(nb: dict, released: Sequence[NotebookNode], name: str) -> tuple[NotebookNode, list[str]]:
    """The hand-in `nb` with the structure that was released, and notes on what was changed back.

    An answer handed in twice counts the last time it is there, and the others still run. A check is what was
    released, at the last place where the student has it, else after the cell that comes before it. Of an answer
    that is missing a place is left, since it may stand in another cell.
    """
    known = {cell.metadata.nbgrader.grade_id: cell for cell in released}
    found = [(_grade_id(cell, known), cell) for cell in nb["cells"]]
    last = {grade_id: number for number, (grade_id, _) in enumerate(found) if grade_id}
    if known and not last:
        raise Rejected(f"{name} has none of the cells of the assignment: it is another notebook")
    cells, notes = [], []
    for number, (grade_id, cell) in enumerate(found):
        if grade_id and last[grade_id] == number:
            cells.append(_as_released(known[grade_id], cell, name, notes))
        else:
            answer = grade_id and not known[grade_id].metadata.nbgrader.locked
            if grade_id:
                notes.append(f"{grade_id} is there more than once: the last one counts")
            if answer or not grade_id:
                cells.append(_plain(cell, name))
    after = -1
    for grade_id, cell in known.items():
        if grade_id not in last:
            notes.append(f"{grade_id} was missing: it was put back")
            new = copy.deepcopy(cell)
            if new.metadata.nbgrader.solution and not new.metadata.nbgrader.grade:
                new.source = f"# {MISSING}"
            cells.insert(after + 1, new)
        after = next(
            i for i, one in enumerate(cells) if one.metadata.get("nbgrader", {}).get("grade_id") == grade_id
        )
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    metadata = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
    return nbformat.from_dict({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}), notes


def _as_released(released: NotebookNode, cell: dict, name: str, notes: list[str]) -> NotebookNode:
    """The `released` cell with the student's text, where it is theirs to write."""
    new = copy.deepcopy(released)
    source, marked = _source(cell, name), new.metadata.nbgrader
    if not marked.locked:
        new.source = source
    elif source != new.source:
        notes.append(f"{marked.grade_id} was edited: what was handed out is used")
    if cell["cell_type"] != new.cell_type:
        notes.append(f"{marked.grade_id} was made a {cell['cell_type']} cell: it is a {new.cell_type} cell again")
    with contextlib.suppress(AttributeError, TypeError):
        theirs = cell["metadata"].get("nbgrader", {})
        changed = [key for key in ("grade", "solution", "locked", "points") if key in theirs]
        changed = [key for key in changed if theirs[key] != marked.get(key)]
        if changed:
            notes.append(f"the nbgrader metadata of {marked.grade_id} was changed ({', '.join(changed)}): undone")
    if new.cell_type == "markdown":
        new |= _attachments(cell)
    return new


def _plain(cell: dict, name: str) -> NotebookNode:
    """A cell of the student's own: its text, and pictures in it."""
    new = NotebookNode(cell_type=cell["cell_type"], metadata=NotebookNode(), source=_source(cell, name))
    if new.cell_type == "code":
        new.update(outputs=[], execution_count=None)
    else:
        new.update(_attachments(cell))
    return new


def _attachments(cell: dict) -> dict:
    given = cell.get("attachments")
    kept = {
        file: {kind: data for kind, data in kinds.items() if kind in IMAGES and type(data) is str}
        for file, kinds in (given.items() if type(given) is dict else ())
        if type(kinds) is dict
    }
    return {"attachments": nbformat.from_dict(kept)} if any(kept.values()) else {}
