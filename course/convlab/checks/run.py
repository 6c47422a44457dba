"""Call a student's code on the inputs of a case: the step that nobody has to trust, and that knows no answer."""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import sysconfig
import traceback
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from .compare import close
from .plain import Raised, plain
from .watch import watch


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs to try: `aspect` is what they test, in words that a student reads; `inputs` go by position."""

    aspect: str
    inputs: dict[str, Any]


def case(aspect: str, **inputs) -> Case:
    """`Case` with its inputs written as keyword arguments, in the order of the student's parameters."""
    return Case(aspect, inputs)


@dataclass(frozen=True)
class Outcome:
    """What calling the student's code gave: plain data only.

    `value` is what came out, or `Raised`; `modified` names the inputs that were changed in place;
    `used` says which forbidden library functions were called.
    """

    value: Any
    modified: tuple[str, ...] = ()
    used: tuple[str, ...] = ()

    @property
    def is_unwritten(self) -> bool:
        """Whether the stub that students get is still there; a NotImplementedError of torch has a message."""
        error = self.value
        return isinstance(error, Raised) and error.type == "NotImplementedError" and not error.message

    @property
    def is_answer(self) -> bool:
        """Whether there is something to compare: code that is written and uses nothing forbidden."""
        return not self.used and self.value is not None and not self.is_unwritten


def run(call: Callable, work, case: Case, forbidden: Mapping[str, str]) -> Outcome:
    """`call(work, **inputs)` as an `Outcome`. Never raises for what the student's code does.

    What the code prints is swallowed, because nbgrader scores anything on stderr as zero, and its
    random numbers start from the same seed every time.
    """
    inputs = copy.deepcopy(case.inputs)
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings(), watch(forbidden) as used:
        torch.default_generator.manual_seed(0)
        warnings.simplefilter("ignore")
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                value = plain(call(work, **inputs))
        except (Exception, SystemExit) as error:
            value = Raised(type(error).__name__, str(error), _line(error))
    modified = tuple(name for name, before in case.inputs.items() if close(plain(inputs[name]), plain(before)))
    return Outcome(value, modified, tuple(used))


def _line(error: BaseException) -> str:
    """The line of the student's own code in which `error` arose; empty where it is in no code of theirs."""
    own = [
        (frame.f_code.co_filename, number, frame.f_globals)
        for frame, number in traceback.walk_tb(error.__traceback__)
        if not frame.f_code.co_filename.startswith(_LIBRARIES)
    ]
    line = linecache.getline(*own[-1]).strip() if own else ""
    return f"line {own[-1][1]}: {line}" if line else ""


_LIBRARIES = (*map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), str(Path(__file__).parents[1]))
