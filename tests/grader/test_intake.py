"""Intake: whatever is handed in becomes the released notebook with the student's text in it, or a reason."""

import copy
import json
import os
import socket

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader import intake
from grader.build import COURSE

RELEASED = nbformat.read(COURSE / "01_sliding_window" / "sliding_window.ipynb", as_version=4)
KNOWN = [cell for cell in RELEASED.cells if "nbgrader" in cell.metadata]
IDS = [cell.metadata.nbgrader.grade_id for cell in KNOWN]
NAME = "sliding_window.ipynb"


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "ada" / "01_sliding_window"
    folder.mkdir(parents=True)
    return folder


def take(folder, nb=None):
    if nb is not None:
        (folder / NAME).write_text(nb if isinstance(nb, str) else json.dumps(nb))
    return intake.intake(folder, {"sliding_window": KNOWN})


def rejected(folder, nb=None):
    with pytest.raises(intake.Rejected) as refusal:
        take(folder, nb)
    return str(refusal.value)


def hand_in(**changed):
    nb = copy.deepcopy(RELEASED)
    for name, source in changed.items():
        cell(nb, name).source = source
    return nb


def cell(nb, name):
    return next(one for one in nb.cells if one.id == name)


def ids(nb):
    return [one.metadata.nbgrader.grade_id for one in nb.cells if "nbgrader" in one.metadata]


def test_an_honest_hand_in_keeps_every_cell_and_needs_no_note(folder):
    found = take(folder, hand_in(window_dot="def window_dot(x, k, i, j):\n    return 1"))
    (nb,) = found.notebooks.values()
    nbformat.validate(nb)
    assert [one.source for one in nb.cells] == [
        "def window_dot(x, k, i, j):\n    return 1" if one.id == "window_dot" else one.source
        for one in RELEASED.cells
    ]
    assert [one.metadata for one in nb.cells if "nbgrader" in one.metadata] == [one.metadata for one in KNOWN]
    assert (found.notes, found.files) == ((), {})


def change_points(nb):
    cell(nb, "check_window_dot").metadata.nbgrader.points = 99
    return "the nbgrader metadata of check_window_dot was changed (points): undone"


def retag(nb):
    cell(nb, "check_window_dot").metadata.nbgrader.update(grade=False, solution=True)
    return "the nbgrader metadata of check_window_dot was changed (grade, solution): undone"


def edit_check(nb):
    cell(nb, "check_window_dot").source = "4.0"
    return "check_window_dot was edited: what was handed out is used"


def make_text(nb):
    nb.cells[nb.cells.index(cell(nb, "check_window_dot"))].cell_type = "markdown"
    return "check_window_dot was made a markdown cell: it is a code cell again"


def delete_check(nb):
    nb.cells.remove(cell(nb, "check_window_dot"))
    return "check_window_dot was missing: it was put back"


def copy_check(nb):
    nb.cells.insert(0, copy.deepcopy(cell(nb, "check_window_dot")))
    return "check_window_dot is there more than once: the last one counts"


def drop_metadata(nb):
    cell(nb, "check_window_dot").metadata = {}
    return None


def tag(nb):
    cell(nb, "check_window_dot").metadata.tags = ["skip-execution", "raises-exception"]
    return None


def another_kernel(nb):
    nb.metadata.kernelspec = {"name": "bash", "display_name": "Bash", "language": "bash"}
    return None


def strange_metadata(nb):
    cell(nb, "check_window_dot").metadata.nbgrader = [1, {"grade": True}]
    nb.metadata = {"nbgrader": 7}
    nb.cells[0].metadata.nbgrader = {"grade_id": ["a", "list"], "grade": True, "points": 99}
    return None


@pytest.mark.parametrize(
    "change",
    [
        change_points,
        retag,
        edit_check,
        make_text,
        delete_check,
        copy_check,
        drop_metadata,
        tag,
        another_kernel,
        strange_metadata,
    ],
)
def test_what_was_done_to_the_structure_is_undone_and_noted(folder, change):
    nb = hand_in()
    note = change(nb)
    found = take(folder, nb)
    (mended,) = found.notebooks.values()
    nbformat.validate(mended)
    assert ids(mended) == IDS
    check = next(one for one in mended.cells if one.source == "check.window_dot(window_dot)")
    assert {**check, "id": "check_window_dot"} == cell(RELEASED, "check_window_dot")
    assert mended.metadata.kernelspec.name == "python3"
    assert note is None or note in found.notes


def test_the_last_of_several_answers_counts_and_all_of_them_run(folder):
    nb = hand_in(window_dot="first = 1")
    again = copy.deepcopy(cell(nb, "window_dot"))
    again.source = "second = 2"
    nb.cells.insert(nb.cells.index(cell(nb, "window_dot")) + 1, again)
    (mended,) = take(folder, nb).notebooks.values()
    sources = [one.source for one in mended.cells]
    assert sources.index("first = 1") + 1 == sources.index("second = 2")
    assert mended.cells[sources.index("second = 2")].metadata.nbgrader.grade_id == "window_dot"
    assert mended.cells[sources.index("first = 1")].metadata == {}


def test_an_answer_in_another_cell_is_not_undone_by_the_place_left_for_it(folder):
    nb = hand_in()
    place = nb.cells.index(cell(nb, "window_dot"))
    nb.cells[place] = nbformat.v4.new_code_cell("window_dot = 7")
    (mended,) = take(folder, nb).notebooks.values()
    names = {}
    for one in mended.cells:
        if one.source == "window_dot = 7" or one.metadata.get("nbgrader", {}).get("grade_id") == "window_dot":
            exec(one.source, names)
    assert names["window_dot"] == 7
    assert ids(mended) == IDS


@given(st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_any_shuffling_copying_and_deleting_gives_a_valid_notebook_with_every_cell_once(random):
    cells = [copy.deepcopy(one) for one in random.choices(RELEASED.cells, k=random.randint(1, 60))]
    for one in cells:
        if random.random() < 0.3 and "nbgrader" in one.metadata:
            one.metadata.nbgrader[random.choice(["grade", "solution", "locked", "points", "schema_version"])] = 5
    cells.append(copy.deepcopy(cell(RELEASED, "window_dot")))
    nb, _ = intake.restored({"cells": cells}, KNOWN, NAME)
    nbformat.validate(nb)
    assert sorted(ids(nb)) == sorted(IDS)
    marked = {one.metadata.nbgrader.grade_id: one.metadata for one in KNOWN}
    assert all(one.metadata == marked[one.metadata.nbgrader.grade_id] for one in nb.cells if one.metadata)


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not a notebook: it starts with ''"),
        ("\x89PNG", "is not a notebook: it starts with"),
        ("[1, 2]", "is not a notebook of format 4"),
        ('{"cells": [', "is not a notebook: Expecting value"),
        ('{"cells": [], "nbformat": NaN}', "NaN is not JSON"),
        ('{"a": ' + DEEP + "}", "is not a notebook"),
        ('{"a": ' + "[" * 99 + "]" * 99 + "}", "its JSON is nested more than 50 deep"),
        ('{"nbformat": 3, "worksheets": []}', "is not a notebook of format 4"),
        ('{"nbformat": 4}', "its list of cells is damaged"),
        ('{"nbformat": 4, "cells": [7]}', "its list of cells is damaged"),
        ('{"nbformat": 4, "cells": [{"cell_type": "sql", "source": ""}]}', "its list of cells is damaged"),
        (json.dumps({"nbformat": 4, "cells": [{"cell_type": "raw"}] * 2001}), "more than 2000"),
        ('{"nbformat": 4, "cells": []}', "has none of the cells of the assignment"),
        (
            json.dumps({"nbformat": 4, "cells": [{"cell_type": "raw", "id": "window_dot", "source": 1}]}),
            "is no text",
        ),
        ('{"a": "' + "x" * intake.LARGEST + '"}', "it is larger than 10 MB"),
    ],
    ids=range(15),
)
def test_what_is_no_notebook_is_told_so(folder, text, reason):
    assert reason in rejected(folder, text)


def test_text_that_cannot_be_written_again_is_made_writable(folder):
    nb = json.dumps(hand_in(window_dot="MARK")).replace("MARK", "x = '\\ud800'")
    (mended,) = take(folder, nb).notebooks.values()
    assert nbformat.writes(mended).encode()


def test_pictures_in_an_answer_stay_and_nothing_else_does():
    kept = {"a.png": {"image/png": "aGk=", "text/html": "<script>"}, "b": {"text/html": "x"}, "c": 7}
    assert intake._attachments({"attachments": kept})["attachments"]["a.png"] == {"image/png": "aGk="}
    assert intake._attachments({"attachments": [1]}) == {}


def test_other_files_come_along_and_hidden_ones_do_not(folder):
    (folder / "data").mkdir()
    (folder / "data" / "cat.txt").write_text("meow")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / NAME).write_text("{")
    (folder / "other.ipynb").write_text("{")
    assert take(folder, hand_in()).files == {"data/cat.txt": b"meow"}


@pytest.mark.parametrize("kind", ["link", "link to a folder", "dangling link", "socket", "fifo"])
def test_links_and_special_files_are_refused_and_not_followed(folder, tmp_path, kind):
    (tmp_path / "secret").write_text("the solutions")
    path = folder / "notes.txt"
    if kind == "link":
        path.symlink_to(tmp_path / "secret")
    elif kind == "link to a folder":
        path.symlink_to(tmp_path)
    elif kind == "dangling link":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "socket":
        socket.socket(socket.AF_UNIX).bind(str(path))
    else:
        os.mkfifo(path)
    assert rejected(folder, hand_in()) == "notes.txt is a link or a special file: hand in the file itself"


def test_a_notebook_or_a_folder_that_is_a_link_is_refused(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / NAME).write_text(json.dumps(hand_in()))
    (folder / NAME).symlink_to(tmp_path / "elsewhere" / NAME)
    assert "is a link" in rejected(folder)
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "01_sliding_window").symlink_to(tmp_path / "elsewhere")
    assert "is a link" in rejected(tmp_path / "bob" / "01_sliding_window")


def test_all_files_together_have_a_limit_in_size_and_number(folder):
    for number in range(3):
        (folder / f"{number}.bin").write_bytes(b"0" * 4_000_000)
    assert "it is larger than 10 MB" in rejected(folder, hand_in())
    for path in folder.glob("*.bin"):
        path.unlink()
    for number in range(intake.FILES):
        (folder / f"{number}.txt").touch()
    assert f"more than {intake.FILES} files" in rejected(folder, hand_in())
