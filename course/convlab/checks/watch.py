"""Notices calls of the library functions that an exercise asks the student to write."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Iterator, Mapping

import torch

CONVOLUTION = {
    **dict.fromkeys(
        (
            *("aten.convolution", "aten._convolution", "aten.conv_tbc"),
            *("aten.mkldnn_convolution", "aten._nnpack_spatial_convolution"),
            *("aten._slow_conv2d_forward", "aten.slow_conv3d_forward"),
            *("aten.slow_conv_dilated2d", "aten.slow_conv_dilated3d"),
            *("aten.slow_conv_transpose2d", "aten.slow_conv_transpose3d"),
        ),
        "PyTorch's own convolution (F.conv2d, nn.Conv2d or a relative)",
    ),
    "aten.im2col": "PyTorch's F.unfold",
    "scipy.signal": "scipy.signal",
    "scipy.ndimage": "scipy.ndimage",
}
"""What computes a convolution: for exercises that write one, or work out its size."""

LAYER = {"torch.nn.modules.conv": "nn.Conv2d or its module"}
"""PyTorch's layers: for exercises that write one, or count its parameters."""

_KEY = "TESTING_ONLY_GenericMode"
"""A dispatch key that PyTorch has no kernels for: what is registered for it runs where it is switched on.

An operator with nothing registered falls through, in C++: it costs what it costs without.
"""

_falls_through = torch.library.Library("_", "IMPL", _KEY)
_falls_through.fallback(torch.library.fallthrough_kernel)
_noted = torch.library.Library("aten", "IMPL", _KEY)
_key = torch._C._dispatch_key_parse(_KEY)
_watching: list[tuple[Mapping[str, str], dict[str, None]]] = []


@contextlib.contextmanager
def watch(forbidden: Mapping[str, str]) -> Iterator[Mapping[str, None]]:
    """In this context, calls of `forbidden` are noted in the mapping that it gives, each once.

    `forbidden` maps ATen operators ("aten.convolution") and Python modules ("scipy.signal") to the words
    in which a student is told; they are noticed whichever way the code got hold of the function.
    """
    seen: dict[str, None] = {}
    modules = {name: words for name, words in forbidden.items() if not name.startswith("aten.")}

    def called(frame, event, argument):
        if event == "call":
            module = frame.f_globals.get("__name__") or ""
            for name, words in modules.items():
                if module == name or module.startswith(name + "."):
                    seen[words] = None

    for operator in forbidden.keys() - modules.keys():
        _note_calls(operator)
    profiling = bool(modules) and sys.getprofile() is None  # a profiler of the user's stays
    _watching.append((forbidden, seen))
    try:
        with torch._C._IncludeDispatchKeyGuard(_key):
            if profiling:
                sys.setprofile(called)
            yield seen
    finally:
        if profiling:
            sys.setprofile(None)
        _watching.pop()


@functools.cache
def _note_calls(operator: str) -> None:
    """Put a note before each overload of an ATen operator, where the key is switched on."""
    packet = getattr(torch.ops.aten, operator.removeprefix("aten."))
    for name in packet.overloads():
        overload = getattr(packet, name)
        _noted.impl(overload, functools.partial(_note, operator, overload))


def _note(operator: str, overload, /, *args, **kwargs):
    for forbidden, seen in _watching:
        if operator in forbidden:
            seen[forbidden[operator]] = None
    with torch._C._ExcludeDispatchKeyGuard(torch._C.DispatchKeySet(_key)):
        return overload(*args, **kwargs)
