"""The notebooks run: the released one as a student who fills in the solutions, and untouched."""

import nbformat
import pytest
from nbclient import NotebookClient

from grader.build import COURSE, read_source, sources
from grader.mutants import exercises

POINTS = {(module, f"check_{exercise.name}"): exercise.points for module, exercise in exercises()}


def run(nb, folder):
    return NotebookClient(nb, timeout=120, resources={"metadata": {"path": folder}}).execute()


def scores(nb):
    return {
        cell.id: float(output.data["text/plain"])
        for cell in nb.cells
        for output in cell.get("outputs", [])
        if output.output_type == "execute_result" and cell.id.startswith("check_")
    }


def points(source):
    """The points of each check in a notebook, as the descriptions have them."""
    return {check: points for (module, check), points in POINTS.items() if source.name == f"{module}.nb.py"}


def outputs(nb):
    return [output for cell in nb.cells for output in cell.get("outputs", [])]


@pytest.fixture(autouse=True)
def as_nbgrader_runs_them(monkeypatch):
    """With the variable that nbgrader sets: training cells then make do with a few hundred images."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "validate")


@pytest.fixture(scope="module", params=sources(), ids=lambda path: path.parent.name)
def source(request):
    return request.param


def test_release_filled_in_is_the_source_and_runs_top_to_bottom_at_full_marks(source, tmp_path):
    (path,) = (COURSE / source.parent.name).glob("*.ipynb")
    nb = nbformat.read(path, as_version=4)
    written = read_source(source).cells
    solved = {cell.id: cell.source for cell in written}
    for cell in nb.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            assert cell.source != solved[cell.id]
            cell.source = solved[cell.id]
    assert [cell.source for cell in nb.cells] == [cell.source for cell in written]
    nb = run(nb, tmp_path)
    assert scores(nb) == points(source) != {}
    assert not [output for output in outputs(nb) if output.get("name") == "stderr"]
    pictures = [o.data["text/html"] for o in outputs(nb) if "<img" in o.get("data", {}).get("text/html", "")]
    assert pictures
    assert all('alt="' in picture and 'alt=""' not in picture for picture in pictures)


def test_release_gives_no_points_untouched_and_its_checks_do_not_fail(source, tmp_path):
    (path,) = (COURSE / source.parent.name).glob("*.ipynb")
    nb = nbformat.read(path, as_version=4)
    nb = NotebookClient(nb, timeout=120, allow_errors=True, resources={"metadata": {"path": tmp_path}}).execute()
    assert scores(nb) == dict.fromkeys(points(source), 0.0)
