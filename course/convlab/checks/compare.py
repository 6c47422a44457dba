"""What it means for two pieces of plain data to be equal."""

from __future__ import annotations

import torch

from .plain import Raised, described, with_article

RELATIVE = {torch.float64: 1e-10, torch.float32: 1e-5, torch.float16: 1e-2, torch.bfloat16: 2e-2}
"""Allowed error of an element, as a share of the largest expected magnitude, by dtype."""


def close(actual, expected, where: str = "") -> str | None:
    """None where `actual` equals `expected`, else the first difference in words.

    Tensors must agree in device, shape, dtype and values: exactly for whole numbers, within `RELATIVE`
    for floats (NaN equals NaN). Where a 0-d tensor or a float is expected, either will do. Exceptions
    agree when their types do.
    """
    start = f"{where}: " if where else ""
    if isinstance(expected, Raised):
        if isinstance(actual, Raised) and actual.type == expected.type:
            return None
        found = with_article(str(actual)) if isinstance(actual, Raised) else described(actual)
        return f"{start}{with_article(expected.type)} was expected, not {found}"
    if isinstance(expected, dict | list | tuple):
        if type(actual) is not type(expected) or len(actual) != len(expected):
            return f"{start}{described(expected)} was expected, not {described(actual)}"
        if isinstance(expected, dict):
            if list(actual) != list(expected):
                return f"{start}the names are {list(actual)}, expected {list(expected)}"
            pairs = [(f"{where}.{key}".lstrip("."), actual[key], expected[key]) for key in expected]
        else:
            pairs = [(f"{where}[{i}]", *pair) for i, pair in enumerate(zip(actual, expected, strict=True))]
        return next(filter(None, (close(one, other, name) for name, one, other in pairs)), None)
    if isinstance(expected, torch.Tensor) and isinstance(actual, torch.Tensor):
        return _close_tensors(actual, expected, start)
    if _is_scalar(expected) and _is_scalar(actual) and not isinstance(expected, int | str | bool):
        return _close_tensors(torch.as_tensor(actual).double(), torch.as_tensor(expected).double(), start)
    if type(actual) is type(expected) and actual == expected:
        return None
    return f"{start}{described(expected)} was expected, not {described(actual)}"


def _is_scalar(value) -> bool:
    return type(value) in (int, float) or (isinstance(value, torch.Tensor) and value.ndim == 0)


def _close_tensors(actual: torch.Tensor, expected: torch.Tensor, start: str) -> str | None:
    for name in ("device", "shape", "dtype"):
        one, other = getattr(actual, name), getattr(expected, name)
        if one != other:
            one, other = (tuple(one), tuple(other)) if name == "shape" else (one, other)
            return f"{start}the {name} is {one}, expected {other}"
    if not expected.numel():
        return None
    one, other = actual.double(), expected.double()
    finite = other[other.isfinite()]
    scale = finite.abs().max().item() if finite.numel() else 0.0
    tolerance = RELATIVE.get(expected.dtype, 0.0) * scale
    wrong = ~torch.isclose(one, other, rtol=0, atol=tolerance, equal_nan=True)
    if not wrong.any():
        return None
    first = tuple(wrong.nonzero()[0].tolist())
    place = f" (first at {list(first)}: {one[first]:.6g}, expected {other[first]:.6g})" if first else ""
    return f"{start}{int(wrong.sum())} of {wrong.numel()} values are wrong{place}"
