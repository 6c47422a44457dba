"""`make grade`: every sample submission through nbgrader, in a course folder of the test's own."""

import contextlib
import hashlib
import html
import io
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory

from convlab.checks import sliding_window
from convlab.checks.exercise import Exercise
from grader import build, grade, report, samples
from grader.__main__ import main
from grader.build import COURSE
from grader.mutants import exercises
from tests import sandboxes
from tests.sandboxes import UNSAFE

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")

ASSIGNMENT = "01_sliding_window"
NOTEBOOK = f"{ASSIGNMENT}/sliding_window.ipynb"

LIBRARY = (
    "it uses PyTorch's own convolution (F.conv2d, nn.Conv2d or a relative), "
    "which does what this exercise asks you to write"
)

NOTHING = {exercise.name: "nothing written yet" for module, exercise in exercises() if module == "sliding_window"}

# The marks, and how what was found begins, for each exercise that lost some. The three questions give 1 point
# each, window_dot, output_size and convolve2d 4, cross_correlate2d 8.
GRADED = {
    "sample_perfect": (23, {}),
    "sample_flipped": (
        23 - 8 - 4,
        {"cross_correlate2d": "kernel flipped", "convolve2d": "kernel not flipped"},
    ),
    "sample_off_by_one": (
        23 - 4 - 8 - 4,
        {
            "output_size": "off by one",
            "cross_correlate2d": "off by one in the range",
            "convolve2d": "the shape is (",
        },
    ),
    "sample_swapped": (
        23 - 3 - 8 - 4,  # of window_dot, the worked example is at i = j and right
        {
            "window_dot": "row and column swapped",
            "cross_correlate2d": "row and column swapped",
            "convolve2d": "it stopped with IndexError: index ",
        },
    ),
    "sample_truncated": (
        23 - 2 - 1,  # one aspect of four, other dtypes, in each of two exercises
        {
            "cross_correlate2d": "result left as an int dtype",
            "convolve2d": "the dtype is torch.int64, expected torch.float32",
        },
    ),
    "sample_library": (23 - 8 - 4, {"cross_correlate2d": LIBRARY, "convolve2d": LIBRARY}),
    "sample_mixed": (
        23 - 1 - 4 - 1 - 1 - 4 + 1,
        {
            "predicted_shape": "size of the input kept",
            "window_dot": "kernel forgotten",
            "output_size": "no output instead of an error",
            "predicted_centre": "neighbours forgotten",
            "convolve2d": "flipped left to right only",
        },
    ),
    "sample_syntax_error": (23 - 4, {"convolve2d": "SyntaxError: incomplete input (line 16)"}),
    "sample_crashed": (
        1 + 4,
        {
            "output_size": "the Python process ended while output_size was checked",
            **dict.fromkeys(
                ("cross_correlate2d", "predicted_centre", "predicted_twins", "convolve2d"),
                "it was not reached: the Python process ended while output_size was checked",
            ),
        },
    ),
    "sample_empty": (0, NOTHING),
    "skipping": (0, NOTHING),
    "pasted": (0, NOTHING),
}

BROKEN = {
    "sample_not_a_notebook": "sliding_window.ipynb is not a notebook: "
    "it starts with 'My laptop would not save the notebook, s'",
    "misnamed": "no sliding_window.ipynb was handed in, only sliding_window (1).ipynb",
    "empty_handed": "no sliding_window.ipynb was handed in, the folder is empty",
    "another": "sliding_window.ipynb has none of the cells of the assignment: it is another notebook",
}


def hand_in_others(submitted: Path) -> None:
    """The hand-ins of `GRADED` and `BROKEN` that are no samples."""
    released = nbformat.read(COURSE / NOTEBOOK, as_version=4)
    for student in ("misnamed", "empty_handed", "another", "pasted", "skipping"):
        (submitted / student / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(released, submitted / "misnamed" / ASSIGNMENT / "sliding_window (1).ipynb")
    nbformat.write(nbformat.v4.new_notebook(), submitted / "another" / NOTEBOOK)
    cells = {cell.id: cell for cell in released.cells}
    cells["check_convolve2d"].metadata.tags = ["skip-execution"]
    nbformat.write(released, submitted / "skipping" / NOTEBOOK)
    copy = nbformat.from_dict(cells["window_dot"])
    copy.id = "copy"
    released.cells.append(copy)
    nbformat.write(released, submitted / "pasted" / NOTEBOOK)


def digests(folder: Path) -> dict[Path, str]:
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A course folder in which everything has been graded once, and what the command printed."""
    root = tmp_path_factory.mktemp("course")
    submitted = root / "grader" / "submitted"
    for student, text in samples.samples().items():
        (submitted / student / ASSIGNMENT).mkdir(parents=True)
        (submitted / student / NOTEBOOK).write_text(text, encoding="utf-8")
    hand_in_others(submitted)
    settings = sandboxes.settings(root)
    before = digests(submitted)
    printed, chatter = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(chatter):
        complete = grade.grade_all(settings)
    return SimpleNamespace(
        settings=settings,
        coursedir=CourseDirectory(config=settings),
        root=root,
        submitted=submitted,
        before=before,
        complete=complete,
        printed=printed.getvalue(),
        chatter=chatter.getvalue(),
    )


def gradebook(run) -> Gradebook:
    return Gradebook(run.coursedir.db_url, run.coursedir.course_id)


def feedback(run, student: str) -> str:
    page = (run.root / "grader" / "feedback" / student / NOTEBOOK).with_suffix(".html").read_text()
    return " ".join(html.unescape(page).split())


@pytest.mark.parametrize("student", GRADED)
def test_a_sample_gets_the_marks_it_deserves(run, student):
    marks, failed = GRADED[student]
    with gradebook(run) as book:
        submission = book.find_submission(ASSIGNMENT, student)
        assert (submission.score, submission.max_score) == (marks, 23)
        assert submission.needs_manual_grade == (student == "sample_library")  # it tripped a guard: for a person
    result = report.read(run.coursedir, ASSIGNMENT, student)
    assert (result.score, result.failed.keys(), result.reason) == (marks, failed.keys(), None)
    for name, found in failed.items():
        assert result.failed[name].startswith(found)
        told = {one.name: one.sentence for one in getattr(sliding_window, name).misconceptions}
        assert told.get(found, "") in feedback(run, student)


def test_feedback_begins_with_the_marks_of_each_exercise(run):
    page = feedback(run, "sample_flipped")
    assert '<a href="#check_window_dot">window_dot</a> (Score: 4.0 / 4.0)' in page
    for name in GRADED["sample_flipped"][1]:
        assert f'<a href="#check_{name}">{name}</a> (Score: 0.0 / ' in page


@pytest.mark.parametrize("student", BROKEN)
def test_a_broken_submission_gets_zero_and_a_reason(run, student):
    with gradebook(run) as book:
        (notebook,) = book.find_submission(ASSIGNMENT, student).notebooks
        assert [mark.auto_score for mark in notebook.grades] == [0] * 7
        assert not notebook.needs_manual_grade
    result = report.read(run.coursedir, ASSIGNMENT, student)
    assert (result.marks, result.reason) == (f"0 / 23{UNSAFE}", BROKEN[student])
    assert BROKEN[student] in feedback(run, student)


def test_the_command_tells_all_and_no_more(run):
    assert run.complete
    assert run.chatter == ""
    total = len(GRADED | BROKEN)
    printed = run.printed.splitlines()[1:]  # after the name of the sandbox
    progress, table = printed[:total], printed[total:]
    assert all(f"{number} of {total}" in line for number, line in enumerate(progress, 1))
    for student in GRADED | BROKEN:
        assert sum(student in line for line in progress) == 1
        assert sum(f" {student} " in line for line in table) == 1
    told = "\n".join(table)
    for words in (*BROKEN.values(), *(words for _, failed in GRADED.values() for words in failed.values())):
        assert words in told


def test_nothing_that_was_handed_in_is_changed(run):
    assert digests(run.submitted) == run.before


def test_the_last_hand_in_counts(run):
    path = run.submitted / "sample_truncated" / NOTEBOOK
    first, good = report.read(run.coursedir, ASSIGNMENT, "sample_truncated"), path.read_bytes()

    path.write_text("{")
    broken = grade.grade(run.settings, ASSIGNMENT, "sample_truncated")
    assert (broken.marks, broken.failed) == (f"0 / 23{UNSAFE}", {})
    assert broken.reason.startswith("sliding_window.ipynb is not a notebook")
    assert broken.reason in feedback(run, "sample_truncated")

    path.write_bytes(good)
    assert grade.grade(run.settings, ASSIGNMENT, "sample_truncated") == first


def test_a_mark_given_by_hand_stays_and_is_up_for_review(run):
    def mark(score):
        with gradebook(run) as book:
            book.find_grade("check_window_dot", "sliding_window", ASSIGNMENT, "empty_handed").manual_score = score
            book.db.commit()
        return grade.grade(run.settings, ASSIGNMENT, "empty_handed")

    assert mark(2).score == 2
    with gradebook(run) as book:
        assert book.find_submission(ASSIGNMENT, "empty_handed").needs_manual_grade
    assert mark(None).score == 0


def test_where_a_check_fails_a_person_is_asked_and_the_others_count(run, monkeypatch):
    first = report.read(run.coursedir, ASSIGNMENT, "sample_perfect")
    judge = Exercise.judge

    def failing(exercise, *given):
        return {}["no key"] if exercise.name == "window_dot" else judge(exercise, *given)

    monkeypatch.setattr(Exercise, "judge", failing)
    result = grade.grade(run.settings, ASSIGNMENT, "sample_perfect")
    said = "the check itself failed: a person will look at your answer"
    assert result.score == 23 - 4
    assert result.failed == {
        "window_dot": f"{said}; for you to look at: the check itself failed with KeyError('no key')"
    }
    with gradebook(run) as book:
        assert book.find_submission(ASSIGNMENT, "sample_perfect").needs_manual_grade
    assert said in feedback(run, "sample_perfect")

    monkeypatch.undo()
    assert grade.grade(run.settings, ASSIGNMENT, "sample_perfect") == first


def test_an_unknown_assignment_is_told_and_stops_nothing(run, monkeypatch, capsys):
    (run.submitted / "empty_handed" / "99_elsewhere").mkdir()
    monkeypatch.setattr(build, "config", lambda: run.settings)
    monkeypatch.setattr("sys.argv", ["grader", "--student", "empty_handed", "--again"])
    with pytest.raises(SystemExit) as end:
        main()
    printed = capsys.readouterr().out
    assert end.value.code == 1
    refused = f"NOT RECORDED: there is no assignment 99_elsewhere; it can be {ASSIGNMENT}, 02_"
    assert f"1 of 2  empty_handed  99_elsewhere ... {refused}" in printed
    assert "2 of 2  empty_handed  01_sliding_window ... 0 / 23" in printed


def test_what_a_student_wrote_does_nothing_to_the_terminal(capsys):
    wrote = "ValueError: [/red] \x1b[31m\nand\x07 so on" + " and on" * 99
    report.show([report.Result("ada", ASSIGNMENT, 2.5, 4, {"window_dot": wrote})])
    printed = capsys.readouterr().out
    assert "│ ada     │ 01_sliding_window │ 2.5 / 4 │ window_dot" in printed
    assert "ValueError: [/red] [31m and so on and on" in printed
    assert "…" in printed


def test_the_committed_samples_are_fresh():
    fresh = samples.samples()
    for path in samples.SUBMITTED.glob("sample_*/*/*"):
        student = path.parents[1].name
        assert path.read_text(encoding="utf-8") == fresh[student], f"{path} is stale: run `make samples`"
