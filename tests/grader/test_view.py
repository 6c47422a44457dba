"""What a student's code sees of convlab: how to call every exercise, and no answer."""

import json
import subprocess
import sys

import pytest

from grader import view
from grader.mutants import exercises

EXERCISES = list(exercises())


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seen")
    view.write(folder)
    return folder


def in_view(seen, code):
    """What `code` prints as JSON in a process that sees this convlab."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json\n{code}"],
        env={"PYTHONPATH": str(seen)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_exercise_of_the_course_can_be_called(seen):
    modules = sorted({module for module, _ in EXERCISES})
    code = f"""
import importlib
modules = {{name: importlib.import_module("convlab.checks." + name) for name in {modules}}}
print(json.dumps({{name: sorted(module.CALLS) for name, module in modules.items()}}))
"""
    assert in_view(seen, code) == {
        module: sorted(exercise.name for name, exercise in EXERCISES if name == module) for module in modules
    }


def test_no_reference_case_misconception_or_judge_is_there(seen):
    names = {path.name for path in (seen / "convlab" / "checks").iterdir()}
    assert not names & {"exercise.py", "draw.py"}
    for path in (seen / "convlab" / "checks").glob("*.py"):
        text = path.read_text()
        for word in ("reference=", "Misconception", "Exercise(", "Draw", "sha256", "sentence"):
            assert word not in text or path.stem in view.CALLING, f"{word} in {path.name}"
    code = """
from convlab.checks import sliding_window as check
print(json.dumps([hasattr(check.window_dot, name) for name in ("reference", "cases", "misconceptions")]))
"""
    assert in_view(seen, code) == [False] * 3


def test_only_definitions_that_a_call_needs_are_kept():
    source = '''
"""A module."""
from __future__ import annotations
import math
import torch
from .exercise import Exercise, case

SCALE = 3
HIDDEN = 4

def _helper(x):
    return x * SCALE

def _answer(x):
    return math.sqrt(HIDDEN)

def _call(work, x):
    return torch.as_tensor(_helper(work(x)))

one = Exercise(name="one", reference=_answer, cases=None, points=1, difficulty=1, minutes=1, call=_call)
two = Exercise(name="two", reference=_answer, cases=None, points=1, difficulty=1, minutes=1)
'''
    kept = view.callable_part(source)
    for word in ("_helper", "SCALE = 3", "import torch", "'one': _call", "'two': calls.function"):
        assert word in kept
    for word in ("_answer", "HIDDEN", "math", "Exercise"):
        assert word not in kept


def test_a_check_in_a_cell_of_the_students_own_does_no_harm(seen):
    code = "from convlab.checks import sliding_window as check\ncheck.window_dot(7)"
    told = subprocess.check_output([sys.executable, "-c", code], env={"PYTHONPATH": str(seen)}, text=True)
    assert told == "This is checked when the notebook is graded.\n"
