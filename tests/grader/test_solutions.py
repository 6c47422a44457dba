"""Every notebook, handed in with its solutions, gets the marks that a program gives: by the grader's own road."""

import nbformat
import pytest
from nbgrader.coursedir import CourseDirectory

from grader import grade, report
from grader.build import COURSE, read_source, sources
from tests.sandboxes import settings

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("course")
    for source in sources():
        (path,) = (COURSE / source.parent.name).glob("*.ipynb")
        nb = nbformat.read(path, as_version=4)
        solved = {cell.id: cell.source for cell in read_source(source).cells}
        for cell in nb.cells:
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = solved[cell.id]
        handed_in = root / "grader" / "submitted" / "solver" / path.parent.name / path.name
        handed_in.parent.mkdir(parents=True)
        nbformat.write(nb, handed_in)
    course = settings(root)
    assert grade.grade_all(course)
    return {one.assignment: one for one in report.results(CourseDirectory(config=course))}


@pytest.mark.parametrize("assignment", [path.parent.name for path in sources()])
def test_solutions_lose_nothing_but_what_a_person_has_to_read(results, assignment):
    result = results[assignment]
    assert result.reason is None
    assert set(result.failed.values()) <= {"awaits your mark"}
    assert result.score >= 23
