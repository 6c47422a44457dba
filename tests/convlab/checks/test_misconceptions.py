"""The mutation test: every misconception loses points and is told its own sentence; right answers do not."""

import doctest
import runpy
from pathlib import Path

import pytest

from grader.mutants import exercises, hand_in, named

EXERCISES = [exercise for _, exercise in exercises()]
RIGHT = {
    (path.stem, name): answers
    for path in Path(__file__).parent.glob("right_answers/*.py")
    for name, answers in runpy.run_path(str(path))["RIGHT"].items()
}
MUTANTS = [(exercise, one) for exercise in EXERCISES for one in exercise.misconceptions]


def name(value):
    return value.name.replace(" ", "-")


@pytest.mark.parametrize(("exercise", "misconception"), MUTANTS, ids=name)
@pytest.mark.parametrize("seed", [0, 1])
def test_mutant_is_killed_and_named(exercise, misconception, seed):
    verdict = hand_in(exercise, misconception.variant, seed)
    assert verdict.points < exercise.points
    assert named(misconception, verdict), verdict.text


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_reference_gets_full_marks(exercise):
    for seed in range(20):
        verdict = hand_in(exercise, exercise.reference, seed)
        assert verdict.points == exercise.points, verdict.text


@pytest.mark.parametrize("exercise", EXERCISES, ids=name)
def test_description_is_complete(exercise):
    assert exercise.points > 0
    assert 1 <= exercise.difficulty <= 5
    assert exercise.minutes > 0
    assert len(exercise.misconceptions) >= 3
    assert len({one.name for one in exercise.misconceptions}) == len(exercise.misconceptions)
    assert len({one.sentence for one in exercise.misconceptions}) == len(exercise.misconceptions)
    assert not exercise.reveal or len(exercise.draw(0)) > 20


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [(exercise, answer) for module, exercise in exercises() for answer in RIGHT.get((module, exercise.name), ())],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_other_right_answers_get_full_marks(exercise, answer):
    for seed in range(20):
        verdict = exercise.check(answer, seed)
        assert verdict.points == exercise.points, verdict.text


def test_every_exercise_has_two_other_right_answers():
    described = {(module, exercise.name) for module, exercise in exercises() if exercise.reveal}
    assert {name for name, answers in RIGHT.items() if len(answers) >= 2} == described


def test_solutions_get_full_marks_and_keep_their_examples(solutions):
    for module, exercise in exercises():
        work = solutions[module][exercise.name]
        verdict = exercise.check(work)
        assert verdict.points == exercise.points, verdict.text
        if exercise.reveal:
            examples = doctest.DocTestFinder().find(work, exercise.name, module=False, globs=solutions[module])
            results = [doctest.DocTestRunner().run(example) for example in examples]
            assert sum(result.attempted for result in results) > 0, f"{exercise.name} has no example"
            assert sum(result.failed for result in results) == 0
