"""course/ is what solutions/ gives: fresh, deterministic, without solutions, and never over a student's work."""

import copy
import itertools
import re
import shutil

import nbformat
import pytest

from grader import build
from grader.mutants import exercises
from grader.release import digest, give_ids, is_untouched

SOURCES = build.sources()
EXERCISES = {(module, exercise.name): exercise for module, exercise in exercises()}
BOX = re.compile(r"> \*\*Exercise \d+ · `(\w+)`\*\* · difficulty (\d) of 5 · (\d+) minutes · (\d+) points")


def metadata(cell):
    return cell.metadata.get("nbgrader", {})


def released(path):
    (notebook,) = (build.COURSE / path.parent.name).glob("*.ipynb")
    return nbformat.read(notebook, as_version=4)


@pytest.fixture(scope="module", params=SOURCES, ids=lambda path: path.parent.name)
def source(request):
    return request.param


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A copy of course/ that write_course() writes to."""
    course = shutil.copytree(build.COURSE, tmp_path / "course", ignore=shutil.ignore_patterns("convlab", ".*"))
    monkeypatch.setattr(build, "COURSE", course)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    return course


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_course_is_fresh_and_the_build_is_deterministic(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        build.release(tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    for path, data in contents(tmp_path / "one").items():
        assert (build.COURSE / path).read_bytes() == data, f"course/{path} is stale: run `make course`"


def test_course_holds_no_notebook_without_a_source():
    assert {path.parent.name for path in SOURCES} == {path.name for path in build.COURSE.glob("[0-9]*")}


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_no_solution_and_no_hidden_line_is_released(source):
    public = {cell.id: lines(cell.source) for cell in released(source).cells if cell.cell_type == "code"}
    everywhere = "\n".join(line for cell in public.values() for line in cell)
    assert "BEGIN SOLUTION" not in everywhere
    assert "HIDDEN TESTS" not in everywhere
    secrets = 0
    for cell in build.read_source(source).cells:
        for block in re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)\n(.*?)### END", cell.source, re.S):
            secret = lines(block)
            secrets += len(secret)
            assert not set(secret) & set(public[cell.id])
            assert not [pair for pair in itertools.pairwise(secret) if "\n".join(pair) in everywhere]
    assert secrets >= 5


def test_nothing_but_notebooks_and_their_files_is_released(source):
    assert not [path for path in build.COURSE.rglob("*") if path.suffixes[-2:] == [".nb", ".py"]]


def test_released_notebook_is_valid_and_has_no_output(source):
    nb = released(source)
    nbformat.validate(nb)
    assert is_untouched(nb)
    assert nb.metadata.kernelspec.name == "python3"
    assert not any(cell.get("outputs") for cell in nb.cells)
    assert len({cell.id for cell in nb.cells}) == len(nb.cells)


def test_every_exercise_has_points_a_contract_difficulty_and_minutes(source):
    cells = build.read_source(source).cells
    work, checks, manual = {}, {}, {}
    for cell in cells:
        kind = {(True, False): work, (False, True): checks, (True, True): manual}
        graded = metadata(cell).get("solution", False), metadata(cell).get("grade", False)
        if any(graded):
            kind[graded][metadata(cell)["grade_id"]] = cell
    assert all(metadata(cell)["points"] > 0 for cell in manual.values())
    boxes = {box[1]: box for cell in cells for box in BOX.finditer(cell.source)}
    assert checks.keys() == {f"check_{name}" for name in work}
    for name, cell in work.items():
        exercise = EXERCISES[source.name.removesuffix(".nb.py"), name]
        check = checks[f"check_{name}"]
        assert metadata(check)["points"] == exercise.points > 0
        assert metadata(check)["locked"]
        assert check.source == f"check.{name}({name})"
        if not exercise.reveal:
            assert re.search(rf"^{name} = None  # ", cell.source, re.M)
            continue
        assert boxes[name].groups()[1:] == (f"{exercise.difficulty}", f"{exercise.minutes}", f"{exercise.points}")
        for part in ('"""', "Args:", "shape" if "tensor" in cell.source.lower() else "int", ">>> "):
            assert part in cell.source, f"{name}: no {part} in its docstring"
        assert "Returns:" in cell.source or name.endswith("_") or "class " in cell.source


def test_length_of_the_notebook_is_within_the_plan(source):
    cells = build.read_source(source).cells
    prose = sum(len(cell.source.split()) for cell in cells if cell.cell_type == "markdown")
    assert len(cells) <= 46
    assert prose <= 1800
    for cell in cells:
        if cell.cell_type == "code" and not metadata(cell).get("solution"):
            assert len(cell.source.splitlines()) <= 15, cell.source


def test_notebooks_use_no_widget_that_stalls_a_machine(source):
    text = "\n".join(cell.source for cell in build.read_source(source).cells)
    assert not re.search(r"\binteract(ive)?(_output)?\(|\bOutput\(", text)


def test_ids_come_from_grade_ids_and_from_sources():
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("a"), nbformat.v4.new_code_cell("a"), nbformat.v4.new_code_cell("b")]
    )
    nb.cells[2].metadata.nbgrader = {"grade_id": "work"}
    other = copy.deepcopy(nb)
    other.cells.insert(0, nbformat.v4.new_markdown_cell("new at the top"))
    give_ids(nb)
    give_ids(other)
    assert nb.cells[2].id == "work"
    assert len({cell.id for cell in nb.cells}) == 3
    assert [cell.id for cell in other.cells[1:]] == [cell.id for cell in nb.cells]


def test_make_course_brings_a_stale_notebook_up_to_date(checkout):
    path = checkout / "01_sliding_window" / "sliding_window.ipynb"
    fresh = path.read_bytes()
    nb = nbformat.read(path, as_version=4)
    nb.cells[0].source = "an older text"
    nb.metadata.convlab.released = digest(nb)
    nbformat.write(nb, path)
    build.write_course()
    assert path.read_bytes() == fresh


@pytest.mark.parametrize("change", ["answer", "output", "cell added", "no longer a notebook"])
def test_make_course_refuses_to_overwrite_work_and_changes_nothing(checkout, change):
    path = checkout / "01_sliding_window" / "sliding_window.ipynb"
    nb = nbformat.read(path, as_version=4)
    if change == "answer":
        next(cell for cell in nb.cells if cell.id == "window_dot").source += "\n    # mine"
    elif change == "output":
        nb.cells[1].outputs = [nbformat.v4.new_output("stream", text="1")]
    else:
        nb.cells.append(nbformat.v4.new_markdown_cell("my notes"))
    nbformat.write(nb, path)
    if change == "no longer a notebook":
        path.write_text(path.read_text()[:-100])
    before = contents(checkout)
    with pytest.raises(SystemExit) as refusal:
        build.write_course()
    assert str(path.relative_to(checkout.parent)) in str(refusal.value)
    assert contents(checkout) == before
