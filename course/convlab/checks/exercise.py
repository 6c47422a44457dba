"""One description of an exercise, and the three steps from it to a verdict.

    cases = exercise.draw(seed)                               make the inputs
    outcomes = [exercise.run(work, case) for case in cases]   call the student's code
    verdict = exercise.judge(cases, outcomes)                 judge the outputs

Only the second step touches the student's code, and only plain data (see `plain`) passes between the
steps, so that under grading it can happen in another process, which nobody has to trust.
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from . import calls
from .compare import close
from .draw import Draw
from .plain import Raised, replaced, size, tensors, written
from .run import Case, Outcome, case, run


@dataclass(frozen=True, eq=False)
class Misconception:
    """A wrong answer that students really give.

    `variant` is that answer, handed in as a student would hand it in (for most exercises a one-line
    change of the reference); `sentence` is what a student who gives it needs to read.
    """

    name: str
    variant: Any
    sentence: str


@dataclass(frozen=True)
class Verdict:
    """The judge's finding on one exercise. `points` out of `max_points`; `text` is for the student.

    `faults` says what is wrong with each outcome, None where nothing is.
    """

    exercise: str
    points: float
    max_points: float
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    misconception: str | None
    text: str
    faults: tuple[str | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Exercise:
    """An exercise, described once: for the student's check, the grade, the mutation test and the text.

    name: what the student writes, and its grade_id in the notebook.
    reference: a right answer of the same form as the student's. It is given float64 inputs.
    cases: draws the cases from a `Draw`; the first one is the worked example that the notebook shows.
    points: shared equally among the aspects that the cases test.
    difficulty: 1 (a line) to 5 (hard). minutes: what a student should plan for it.
    misconceptions: the wrong answers that get a sentence of their own.
    forbidden: what would bypass the exercise, see `watch`.
    call: how to use what the student wrote; see `calls`.
    compare: `compare(actual, expected)` is None where they agree, else the difference in words.
    reveal: whether the student may see the expected output (not for questions).
    """

    name: str
    reference: Any
    cases: Callable[[Draw], Iterator[Case]]
    points: float
    difficulty: int
    minutes: int
    misconceptions: tuple[Misconception, ...] = ()
    forbidden: Mapping[str, str] = field(default_factory=dict)
    call: Callable = calls.function
    compare: Callable[[Any, Any], str | None] = close
    reveal: bool = True

    def __call__(self, work) -> float:
        """Check `work`, print the verdict, and return the points earned (nbgrader's partial credit)."""
        verdict = self.check(work)
        print(verdict.text)
        return verdict.points

    def check(self, work, seed: int = 0) -> Verdict:
        """All three steps, in this process."""
        cases = self.draw(seed)
        return self.judge(cases, [self.run(work, case) for case in cases])

    @functools.lru_cache(maxsize=256)  # noqa: B019  (exercises live as long as the program)
    def draw(self, seed: int) -> tuple[Case, ...]:
        """The cases that `seed` gives."""
        return tuple(self.cases(Draw(seed)))

    def run(self, work, case: Case, watched: bool = True) -> Outcome:
        """Call `work` on the inputs of `case`. Never raises for what the student's code does."""
        return run(self.call, work, case, self.forbidden if watched else {})

    def judge(self, cases: Sequence[Case], outcomes: Sequence[Outcome]) -> Verdict:
        """Compare the outcomes with what the reference gives, and find the misconception behind a failure."""
        expected = [self.expected(case) for case in cases]
        faults = [self._fault(*pair) for pair in zip(outcomes, expected, strict=True)]
        failing = [i for i, fault in enumerate(faults) if fault]
        aspects = tuple(dict.fromkeys(case.aspect for case in cases))
        failed = tuple(dict.fromkeys(cases[i].aspect for i in failing))
        passed = tuple(aspect for aspect in aspects if aspect not in failed)
        points = round(self.points * len(passed) / len(aspects), 2)

        text = [
            f"{self.name}: {len(passed)} of {len(aspects)} visible checks passed, "
            f"{points:g} of {self.points:g} points"
        ]
        if len(aspects) > 1 and passed:
            text += [f"  {'✓' if aspect in passed else '✗'} {aspect}" for aspect in aspects]
        misconception = None
        if failing:
            misconception, explained = self._diagnose(cases, outcomes, expected, failing)
            i = min(explained or failing, key=lambda i: size(cases[i].inputs))
            if self.reveal and outcomes[i].is_answer:
                text += ["", *_shown(cases[i], outcomes[i], expected[i])]
            if not misconception or self.reveal:
                text.append(f"  → {faults[i]}")
            if misconception:
                text += ["", f"This looks like: {misconception.name}.", textwrap.fill(misconception.sentence, 90)]
        name = misconception.name if misconception else None
        return Verdict(self.name, points, self.points, passed, failed, name, "\n".join(text), tuple(faults))

    @functools.lru_cache(maxsize=8192)  # noqa: B019
    def expected(self, case: Case):
        """What the reference gives: computed in float64, then in the dtype that the inputs ask for.

        That dtype is what the tensors among the inputs promote to, torch's default where there are none.
        """
        inputs = replaced(case.inputs, lambda x: x.double() if x.is_floating_point() else x)
        value = self.run(self.reference, Case(case.aspect, inputs), watched=False).value
        given = [tensor.dtype for tensor in tensors(case.inputs)] or [torch.get_default_dtype()]
        dtype = functools.reduce(torch.promote_types, given)
        return replaced(value, lambda x: x.to(dtype) if x.is_floating_point() and dtype.is_floating_point else x)

    def _fault(self, outcome: Outcome, expected) -> str | None:
        """What is wrong with `outcome`, in words; None where nothing is."""
        if outcome.used:
            return f"it uses {' and '.join(outcome.used)}, which does what this exercise asks you to write"
        if outcome.is_unwritten:
            return "it is not written yet: put your own code in place of `raise NotImplementedError()`"
        if isinstance(outcome.value, Raised) and not isinstance(expected, Raised):
            return f"it stopped with {outcome.value}"
        if outcome.value is None and expected is not None and not isinstance(expected, Raised):
            return "it gave None: is there a `return`?" if self.reveal else "there is no answer yet"
        if fault := self.compare(outcome.value, expected):
            return fault if self.reveal else "this is not the answer"
        if outcome.modified:
            return f"it changed its input {' and '.join(outcome.modified)}: work on a copy"
        return None

    def _diagnose(self, cases, outcomes, expected, failing) -> tuple[Misconception | None, list[int]]:
        """The misconception that gives the student's answers, and the failing cases that it explains.

        It has to explain at least half of the failing cases; the one that explains most wins, and among
        equals the one that agrees with most of the other cases.
        """
        best = ((0, 0), None, [])
        for misconception in self.misconceptions:
            wrong = [self._wrong(misconception, case) for case in cases]
            alike = [i for i in range(len(cases)) if self._alike(outcomes[i], wrong[i])]
            explained = [i for i in alike if i in failing and self._fault(wrong[i], expected[i])]
            rank = len(explained), len(alike)
            if 2 * len(explained) >= len(failing) and rank > best[0]:
                best = rank, misconception, explained
        return best[1:]

    @functools.lru_cache(maxsize=8192)  # noqa: B019
    def _wrong(self, misconception: Misconception, case: Case) -> Outcome:
        return self.run(misconception.variant, case, watched=False)

    def _alike(self, outcome: Outcome, wrong: Outcome) -> bool:
        return (
            not outcome.used
            and outcome.modified == wrong.modified
            and self.compare(outcome.value, wrong.value) is None
        )


def question(name: str, right: str, *misconceptions: Misconception, points: float = 1) -> Exercise:
    """A question with one right answer.

    `right`, and the variant of each misconception, is the digest of an answer (see `calls.digest`), so
    that reading the description does not give the answer away.
    """
    return Exercise(
        name=name,
        reference=right,
        cases=lambda draw: iter([case("your answer", question=name)]),
        points=points,
        difficulty=1,
        minutes=1,
        misconceptions=misconceptions,
        call=calls.answer,
        reveal=False,
    )


def _shown(case: Case, outcome: Outcome, expected) -> list[str]:
    """A failing case for a student to read: the inputs, what came out, what was expected."""
    yours = () if isinstance(outcome.value, Raised) else (("yours", outcome.value),)
    shown = (*case.inputs.items(), *yours, ("expected", expected))
    return [f"The smallest case that failed ({case.aspect}):", *(written(*item) for item in shown)]
