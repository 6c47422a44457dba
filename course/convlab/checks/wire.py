"""Plain data (see `plain`) as bytes, to cross between the grader and the process that runs a student's code.

A value becomes JSON for its structure, with its length before it in four bytes, and then the numbers of each
tensor. Reading needs no pickle and trusts nothing: what is not exactly in this form is a ValueError.
"""

from __future__ import annotations

import io
import json
import math

import torch

from .plain import Other, Raised

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool,
        torch.uint8,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
    )
}
TARGET = "convlab.grader"
"""The target of the Jupyter comm that the bytes travel on."""

PREFIX = 4
DEPTH, TEXT = 30, 1_000_000
"""How deep a structure may be, and how long its JSON."""


def pack(value) -> bytes:
    """`value` as bytes; a tensor of a layout or type that cannot cross becomes `Other`."""
    numbers = []
    text = json.dumps(_pack(value, numbers)).encode()
    return b"".join((len(text).to_bytes(PREFIX, "big"), text, *numbers))


def unpack(data: bytes):
    """The value that `pack` made `data` of."""
    numbers = io.BytesIO(data)
    length = int.from_bytes(numbers.read(PREFIX), "big")
    if length > TEXT:
        raise ValueError(f"this is not plain data: a structure of {length} bytes")
    try:
        value = _unpack(json.loads(numbers.read(length)), numbers, DEPTH)
    except (LookupError, TypeError, RecursionError, OverflowError, RuntimeError) as error:
        raise ValueError(f"this is not plain data: {error}") from error
    if rest := len(numbers.read()):
        raise ValueError(f"this is not plain data: {rest} bytes after its end")
    return value


def _pack(value, numbers):
    if isinstance(value, torch.Tensor):
        name = str(value.dtype).removeprefix("torch.")
        if name not in DTYPES or value.layout != torch.strided:
            return {"other": f"Tensor ({name}, {value.layout})"}
        flat = value.detach().cpu().contiguous().reshape(-1)
        numbers.append(flat.view(torch.uint8).numpy().tobytes())
        return {"tensor": [name, list(value.shape), None if value.is_contiguous() else list(value.stride())]}
    if isinstance(value, Raised):
        return {"raised": [value.type, value.message[:2000], value.line[:500]]}
    if isinstance(value, Other):
        return {"other": value.type}
    if isinstance(value, dict):
        return {"dict": [[key, _pack(item, numbers)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_pack(item, numbers) for item in value]}
    return value


def _unpack(node, numbers, depth):
    if type(node) is str:
        return _text(node)
    if node is None or type(node) in (bool, int, float):
        return node
    if depth == 0 or type(node) is not dict or len(node) != 1:
        raise ValueError("this is not plain data: too deep, or of no known kind")
    ((kind, content),) = node.items()
    if kind == "tensor":
        return _tensor(*content, numbers)
    if kind in ("list", "tuple"):
        found = [_unpack(item, numbers, depth - 1) for item in content]
        return found if kind == "list" else tuple(found)
    if kind == "dict":
        return {_text(key): _unpack(item, numbers, depth - 1) for key, item in content}
    if kind == "raised":
        return Raised(*map(_text, content))
    if kind == "other":
        return Other(_text(content))
    raise ValueError(f"this is not plain data: a {kind!r}")


def _text(value) -> str:
    if type(value) is not str:
        raise ValueError(f"this is not plain data: {value!r} for a text")
    return value.encode(errors="replace").decode()


def _tensor(name, shape, strides, numbers) -> torch.Tensor:
    dtype = DTYPES[name]
    for sides in (shape, strides or shape):
        if type(sides) is not list or any(type(side) is not int or side < 0 for side in sides):
            raise ValueError(f"this is not plain data: a shape of {sides!r}")
    length = math.prod(shape) * dtype.itemsize
    buffer = numbers.read(length)
    if len(buffer) != length:
        raise ValueError(f"this is not plain data: {len(buffer)} bytes for {name} of shape {shape}")
    flat = torch.frombuffer(bytearray(buffer), dtype=dtype) if buffer else torch.empty(0, dtype=dtype)
    tensor = flat.reshape(shape)
    if strides is None or not buffer:
        return tensor
    span = 1 + sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    if span > 16 * tensor.numel():
        raise ValueError(f"this is not plain data: strides {strides} for a shape of {shape}")
    return torch.empty_strided(shape, strides, dtype=dtype).copy_(tensor)
