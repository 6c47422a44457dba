"""A training step recorded once and replayed: CUDA graphs, and the same idea on a CPU."""

from __future__ import annotations

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from .checks.plain import replaced, tensors


def graph(device: torch.device | str) -> CudaGraph | CpuGraph:
    """An empty graph for work on `device`. Work is recorded once, and can then be repeated without Python:

        with graph.capture():
            loss = step(images, labels)
        graph.replay()

    While it is captured, work is noted and not done: afterwards every number is as before, and `loss` holds none
    yet. `replay()` does the work, in the memory that was noted: it reads what lies in `images` by then, and
    overwrites `loss`. Python's own values, a learning rate for example, stay as they were when captured.
    """
    return CudaGraph() if torch.device(device).type == "cuda" else CpuGraph()


class CudaGraph(torch.cuda.CUDAGraph):
    """A graph of work on an NVIDIA GPU, see `graph`."""

    def capture(self):
        return torch.cuda.graph(self)


class CpuGraph(TorchDispatchMode):
    """A graph of work on a CPU, see `graph`: a list of operations, each with the memory that it reads and writes.

    Raises:
        RuntimeError: a second capture; a replay before the first; while capturing, a look at a number (`.item()`,
            `if loss > 1:`), which there is not yet. A CUDA graph refuses the same three.
    """

    def __init__(self):
        super().__init__()
        self._operations: list[tuple] = []
        self._before: dict[int, tuple[torch.UntypedStorage, torch.UntypedStorage]] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # to skip it, torch would import it, which takes longer than importing torch

    def capture(self):
        if self._operations:
            raise RuntimeError("this graph holds a capture already: replay it, or capture in a new graph")
        return self

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten._local_scalar_dense.default:
            raise RuntimeError("no number can be read while a graph is captured: the work is only noted, not done")
        args, kwargs = _memory((args, kwargs or {}))
        for storage in _storages((args, kwargs)):
            self._before.setdefault(storage.data_ptr(), (storage, storage.clone()))
        result = function(*args, **kwargs)
        for storage in _storages(result):
            nothing = torch.zeros(storage.nbytes(), dtype=torch.uint8).untyped_storage()
            self._before.setdefault(storage.data_ptr(), (storage, nothing))
        self._operations.append((function, args, kwargs, _memory(result)))
        return result

    def __exit__(self, *exception):
        super().__exit__(*exception)
        for storage, numbers in self._before.values():
            storage.copy_(numbers)

    @torch.no_grad()
    def replay(self) -> None:
        if not self._operations:
            raise RuntimeError("nothing to replay: capture some work first")
        for function, args, kwargs, result in self._operations:
            for old, new in zip(tensors(result), tensors(function(*args, **kwargs)), strict=True):
                if old.data_ptr() != new.data_ptr():  # else it was computed in place, or is a view
                    old.copy_(new)


def _memory(value):
    """`value` with each tensor replaced by another on the same memory, which stays whatever its owner does."""
    return replaced(value, torch.Tensor.detach)


def _storages(value) -> list[torch.UntypedStorage]:
    return [tensor.untyped_storage() for tensor in tensors(value)]
