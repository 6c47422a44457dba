"""The mutation test: every misconception loses points and is told its own sentence; right answers do not."""

import doctest
import runpy
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from convlab.checks import channels_and_batches, grouped_convolutions, stride_padding_dilation
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


def ask_the_layer(in_channels, out_channels, kernel_size, bias):
    return sum(one.numel() for one in nn.Conv2d(in_channels, out_channels, kernel_size, bias=bias).parameters())


def run_it(hw, kernel_size, stride, padding, dilation):
    try:
        out = F.conv2d(torch.zeros(1, 1, *hw), torch.zeros(1, 1, *kernel_size), None, stride, padding, dilation)
    except RuntimeError as error:
        raise ValueError("it does not fit") from error
    return tuple(out.shape[2:])


def run_it_transposed(n, kernel_size, stride, padding, output_padding, dilation):
    inputs = torch.zeros(1, 1, n), torch.zeros(1, 1, kernel_size)
    return F.conv_transpose1d(*inputs, None, stride, padding, output_padding, 1, dilation).shape[2]


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        (channels_and_batches.count_parameters, ask_the_layer, "nn.Conv2d"),
        (stride_padding_dilation.output_shape, run_it, "F.conv2d"),
        (grouped_convolutions.transposed_output_size, run_it_transposed, "F.conv_transpose2d"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_asking_pytorch_is_no_answer(exercise, answer, words):
    for case in exercise.draw(0):
        assert exercise.compare(exercise.run(answer, case, watched=False).value, exercise.expected(case)) is None
    verdict = exercise.check(answer)
    assert verdict.points == 0
    assert words in verdict.text


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
