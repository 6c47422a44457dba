"""Notices calls of the library functions that an exercise asks the student to write."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from torch.utils._python_dispatch import TorchDispatchMode

CONVOLUTION = {
    "aten.convolution": "PyTorch's own convolution (F.conv2d, nn.Conv2d or a relative)",
    "aten.im2col": "PyTorch's F.unfold",
    "scipy.signal": "scipy.signal",
    "scipy.ndimage": "scipy.ndimage",
}
"""What computes a convolution: for exercises that write one, or work out its size."""

LAYER = {"torch.nn.modules.conv": "nn.Conv2d or its module"}
"""PyTorch's layers: for exercises that write one, or count its parameters."""


class Watch(TorchDispatchMode):
    """Context in which calls of `forbidden` are noted in `seen`, each once.

    `forbidden` maps ATen operators ("aten.convolution") and Python modules ("scipy.signal") to the words
    in which a student is told; they are noticed whichever way the code got hold of the function.
    """

    def __init__(self, forbidden: Mapping[str, str]):
        super().__init__()
        self._operators = {name: words for name, words in forbidden.items() if name.startswith("aten.")}
        self._modules = {name: words for name, words in forbidden.items() if name not in self._operators}
        self._seen: dict[str, None] = {}

    @property
    def seen(self) -> tuple[str, ...]:
        return tuple(self._seen)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip it, torch would import it, which takes longer than importing torch

    def __enter__(self):
        self._profiling = bool(self._modules) and sys.getprofile() is None  # a profiler of the user's stays
        if self._profiling:
            sys.setprofile(self._called)
        return super().__enter__() if self._operators else self

    def __exit__(self, *exception):
        if self._profiling:
            sys.setprofile(None)
        return super().__exit__(*exception) if self._operators else None

    def _called(self, frame, event, argument):
        if event == "call":
            module = frame.f_globals.get("__name__") or ""
            for name, words in self._modules.items():
                if module == name or module.startswith(name + "."):
                    self._seen[words] = None

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = str(function.overloadpacket)
        if name in self._operators:
            self._seen[self._operators[name]] = None
        return function(*args, **(kwargs or {}))
