"""Grade what was handed in: what lies in grader/submitted/<student>/<assignment>/.

Every submission ends as graded, or as failed: zero marks and a reason. Marks go to nbgrader's gradebook,
feedback to grader/feedback/<student>/<assignment>/. What was handed in is left as it is.
"""

from __future__ import annotations

import argparse
import collections
import copy
import os
import re
import shutil
import sys
import time
import warnings
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader import report
from grader.build import config, record

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the checks' tensors are tiny: threads only wait for each other

ERROR = re.compile(r"^ *(?:\w+\.)*(\w*(?:Error|Exception)\b.*)", re.MULTILINE)
"""The last line of a traceback."""


def grade(settings: Config, assignment: str, student: str) -> report.Result:
    """Grade one submission of an assignment that the gradebook knows, and write its feedback."""
    coursedir = CourseDirectory(config=settings)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        names = [notebook.name for notebook in gradebook.find_assignment(assignment).notebooks]
    folder = Path(coursedir.format_path(coursedir.submitted_directory, student, assignment))
    unreadable = filter(None, (_unreadable(folder / f"{name}.ipynb") for name in names))
    reason = next(unreadable, None) or _autograde(settings, assignment, student)
    if reason:
        _fail(coursedir, assignment, student, reason)
    result = NbGraderAPI(config=settings).generate_feedback(assignment, student)
    if not result["success"]:
        raise RuntimeError(f"nbgrader could not write the feedback.\n{result.get('log', result['error'])}")
    return report.read(coursedir, assignment, student)


def _unreadable(path: Path) -> str | None:
    """Why nbgrader cannot grade the notebook that was handed in as `path`; None where it can."""
    if not path.is_file():
        there = ", ".join(sorted(other.name for other in path.parent.iterdir()))
        return f"no {path.name} was handed in, {f'only {there}' if there else 'the folder is empty'}"
    try:
        cells = nbformat.read(path, as_version=4).cells
        ids = collections.Counter(
            cell.metadata["nbgrader"]["grade_id"] for cell in cells if "nbgrader" in cell.metadata
        )
    except Exception as error:
        return f"{path.name} is not a notebook: {error}"
    if not ids:
        return f"{path.name} has none of the cells of the assignment: it is another notebook"
    twice = [grade_id for grade_id, count in ids.items() if count > 1]
    return f"{path.name} has more than one cell {', '.join(twice)}: delete the copies" if twice else None


def _autograde(settings: Config, assignment: str, student: str) -> str | None:
    """Let nbgrader grade a submission; the reason where it cannot."""
    ran = []
    settings = copy.deepcopy(settings)
    settings.Execute.on_cell_execute = lambda cell, cell_index: ran.append(cell)
    settings.Execute.extra_arguments = ["--IPKernelApp.log_level=ERROR"]
    result = NbGraderAPI(config=settings).autograde(assignment, student)
    if result["success"]:
        return None
    log = result.get("log", "") + result["error"]
    if "DeadKernelError" in log and ran:
        cell = ran[-1].metadata.get("nbgrader", {}).get("grade_id") or ran[-1].source.partition("\n")[0]
        return f"the Python process ended at the cell {cell}"
    print(log, file=sys.stderr)
    return f"nbgrader could not grade it: {(ERROR.findall(log) or ['see its log'])[0]}"


def _fail(coursedir: CourseDirectory, assignment: str, student: str, reason: str) -> None:
    """Record zero marks, and write a notebook that states the reason in place of the autograded one.

    A mark that a person gave stays, and is up for review, as after every new grading with nbgrader.
    """
    folder = Path(coursedir.format_path(coursedir.autograded_directory, student, assignment))
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    reason = " ".join(reason.split())
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        gradebook.update_or_create_student(student)
        for notebook in gradebook.update_or_create_submission(assignment, student).notebooks:
            for mark in notebook.grades:
                mark.auto_score = 0
                mark.needs_manual_grade = mark.manual_score is not None
            text = (
                f"# Not graded\n\nThis hand-in could not be graded, and has no marks:\n\n    {reason}\n\n"
                "Mend it, press Validate in JupyterLab to see that it runs, and hand it in again."
            )
            nb = nbformat.v4.new_notebook(
                metadata={"grader": {"reason": reason}}, cells=[nbformat.v4.new_markdown_cell(text, id="reason")]
            )
            nbformat.write(nb, folder / f"{notebook.name}.ipynb")
        gradebook.db.commit()


def grade_all(settings: Config, assignment: str = "*", student: str = "*") -> bool:
    """Grade the submissions that match, print a table, and return whether every one has its marks."""
    coursedir = CourseDirectory(config=settings)
    record(coursedir.db_url)
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        known = [found.name for found in gradebook.assignments]
    root = Path(coursedir.format_path(coursedir.submitted_directory, ".", "."))
    submissions = sorted(path for path in root.glob(f"{student}/{assignment}") if path.is_dir())
    if not submissions:
        print(f"Nothing to grade: put notebooks in {root}/<student>/<assignment>/.")
    complete = True
    for number, path in enumerate(submissions, 1):
        print(f"{number} of {len(submissions)}  {path.parent.name}  {path.name} ... ", end="", flush=True)
        start = time.perf_counter()
        try:
            if path.name not in known:
                raise ValueError(f"there is no assignment {path.name}; it can be {', '.join(known)}")
            print(f"{grade(settings, path.name, path.parent.name).marks}, {time.perf_counter() - start:.0f} s")
        except Exception as error:  # one submission must not stop the others
            complete = False
            print(f"NOT RECORDED: {error}")
    report.show(report.results(coursedir))
    return complete


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m grader.grade", description=__doc__.partition("\n")[0])
    parser.add_argument("--student", default="*", help="grade this one only")
    parser.add_argument("--assignment", default="*", help="grade this one only")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.exit(0 if grade_all(config(), chosen.assignment, chosen.student) else 1)


if __name__ == "__main__":
    main()
