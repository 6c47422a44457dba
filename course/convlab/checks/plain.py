"""Plain data: what may pass between the grader and the process that runs a student's code.

None, bool, int, float, str, torch.Tensor, and lists, tuples and dicts of these. Two more kinds stand for
what is not plain: `Raised` for an exception, `Other` for an object of any other type.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Raised:
    """An exception: its type's name, its message, and the line of the student's code where it arose."""

    type: str
    message: str = ""
    line: str = ""

    def __str__(self):
        told = ": ".join(filter(None, (self.type, self.message)))
        return told + (f"\n    in {self.line}" if self.line else "")


@dataclass(frozen=True)
class Other:
    """An object that is not plain data, by the name of its type."""

    type: str


def plain(value):
    """`value` as plain data, detached from autograd; NumPy scalars become Python's."""
    if value is None or type(value) in (bool, int, float, str, Raised, Other):
        return value
    if isinstance(value, torch.Tensor):
        return value.detach().as_subclass(torch.Tensor).clone()
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, list | tuple):
        return type(value)(map(plain, value)) if type(value) in (list, tuple) else tuple(map(plain, value))
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return Other(type(value).__name__)


def tensors(value) -> list[torch.Tensor]:
    """Every tensor in plain data, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return [tensor for item in value for tensor in tensors(item)]
    return [value] if isinstance(value, torch.Tensor) else []


def mapped(value, function):
    """Plain data with everything that is no list, tuple or dict replaced by `function` of it."""
    if isinstance(value, dict):
        return {key: mapped(item, function) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(mapped(item, function) for item in value)
    return function(value)


def replaced(value, function):
    """Plain data with each tensor replaced by `function(tensor)`."""
    return mapped(value, lambda leaf: function(leaf) if isinstance(leaf, torch.Tensor) else leaf)


def size(value) -> int:
    """How much there is to read in plain data: tensor elements, plus the magnitude of whole numbers."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        return sum(map(size, value))
    if isinstance(value, torch.Tensor):
        return value.numel()
    return abs(value) if isinstance(value, int) else 1


def described(value) -> str:
    """The kind of `value` in a few words: "a float32 tensor of shape (2, 3)", "the int 4"."""
    if isinstance(value, torch.Tensor):
        dtype = str(value.dtype).removeprefix("torch.")
        return f"{with_article(dtype)} tensor of shape {tuple(value.shape)}"
    if isinstance(value, Raised):
        return with_article(value.type)
    if isinstance(value, Other):
        return f"an object of type {value.type}"
    if isinstance(value, dict | list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return "None" if value is None else f"the {type(value).__name__} {value!r}"


def with_article(name: str) -> str:
    """`name` with "a" or "an" before it; a leading u is taken for that of "uint8"."""
    return f"{'an' if name[0] in 'aeioAEIO' else 'a'} {name}"


def written(name: str, value) -> str:
    """`name = value` for a student to read: matrices row by row, stacks of them one by one if not too many."""
    start = f"  {name} = "
    if isinstance(value, torch.Tensor) and value.numel() <= 64:
        kind = f"({str(value.dtype).removeprefix('torch.')}, shape {tuple(value.shape)})"
        if value.ndim <= 2:
            return f"{_matrix(start, value)}  {kind}"
        places = itertools.product(*map(range, value.shape[:-2]))
        return "\n".join(
            [f"  {name}: {kind}", *(_matrix(f"  {name}[{', '.join(map(str, i))}] = ", value[i]) for i in places)]
        )
    if isinstance(value, torch.Tensor | Other | Raised) or (
        isinstance(value, dict | list | tuple) and tensors(value)
    ):
        return start + described(value)
    return f"{start}{value!r}"


def _matrix(start: str, tensor: torch.Tensor) -> str:
    rows = [[f"{number:.5g}" for number in row] for row in np.atleast_2d(tensor.tolist())]
    width = max((len(text) for row in rows for text in row), default=1)
    body = [", ".join(text.rjust(width) for text in row) for row in rows]
    joint = "],\n" + " " * len(start) + " ["
    return f"{start}{'[' * tensor.ndim}{joint.join(body)}{']' * tensor.ndim}"
